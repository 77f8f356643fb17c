#include "base/support.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <lzma.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include "base/file.h"
#include "base/memory.h"

static void assert_content(fnas_test_place *place, const char *path, const char *expected) {
    unsigned char *data;
    size_t size;
    assert_status(FNAS_OK, fnas_file_read(place->context, path, 1 << 20, &data, &size));
    assert_int_equal(size, strlen(expected));
    assert_string_equal((char *)data, expected);
    fnas_free(data);
}

static int count_files(const char *folder) {
    DIR *entries = opendir(folder);
    assert_non_null(entries);
    int files = 0;
    for (struct dirent *entry; (entry = readdir(entries));) files += strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..");
    closedir(entries);
    return files;
}

static void reading_has_a_limit(void **state) {
    fnas_test_place *place = *state;
    const char *path = fnas_test_write_text(place, "five", "12345");
    unsigned char *data;
    size_t size;
    assert_content(place, path, "12345");
    assert_status(FNAS_OK, fnas_file_read(place->context, path, 5, &data, &size));
    fnas_free(data);
    assert_status(FNAS_ERR_INPUT, fnas_file_read(place->context, path, 4, &data, &size));
    assert_message("five: larger than the 4 bytes");
    assert_null(data);
    assert_status(FNAS_ERR_INPUT, fnas_file_read(place->context, "/dev/zero", 100000, &data, &size));
    assert_content(place, fnas_test_write_text(place, "empty", ""), "");
}

static void missing_files_are_named(void **state) {
    fnas_test_place *place = *state;
    unsigned char *data;
    size_t size;
    const char *path = fnas_test_path(place, "absent");
    assert_status(FNAS_ERR_INPUT, fnas_file_read(place->context, path, 10, &data, &size));
    assert_message("absent: cannot open: No such file");
    assert_status(FNAS_ERR_INPUT, fnas_file_read(place->context, place->folder, 10, &data, &size));
    assert_message("Is a directory");
    assert_false(fnas_file_exists(path));
    assert_false(fnas_file_exists(place->folder));
    assert_true(fnas_folder_exists(place->folder));
}

static size_t pack(bool xz, const unsigned char *in, size_t size, unsigned char *out, size_t capacity) {
    if (xz) {
        size_t used = 0;
        assert_int_equal(lzma_easy_buffer_encode(6, LZMA_CHECK_CRC64, NULL, in, size, out, &used, capacity), LZMA_OK);
        return used;
    }
    z_stream stream = {
        .next_in = (unsigned char *)(uintptr_t)in, .avail_in = (unsigned int)size, .next_out = out, .avail_out = (unsigned int)capacity};
    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    deflateEnd(&stream);
    return stream.total_out;
}

static void check_compression(fnas_test_place *place, bool xz) {
    enum { plain_size = 200000, packed_capacity = 210000 };
    unsigned char *plain = malloc(plain_size), *packed = malloc(2 * packed_capacity), *data;
    for (int i = 0; i < plain_size; i++) plain[i] = (unsigned char)((int64_t)i * i >> 7);
    size_t packed_size = pack(xz, plain, plain_size, packed, packed_capacity), size;

    const char *path = fnas_test_write(place, "whole", packed, packed_size);
    assert_status(FNAS_OK, fnas_file_read_decompressed(place->context, path, plain_size, &data, &size));
    assert_int_equal(size, plain_size);
    assert_memory_equal(data, plain, plain_size);
    assert_int_equal(data[size], 0);
    fnas_free(data);
    assert_status(FNAS_ERR_INPUT, fnas_file_read_decompressed(place->context, path, plain_size - 1, &data, &size));
    assert_message("larger than");

    for (size_t cut = 7; cut < packed_size; cut += packed_size / 23) {
        path = fnas_test_write(place, "cut", packed, cut);
        assert_status(FNAS_ERR_INPUT, fnas_file_read_decompressed(place->context, path, plain_size, &data, &size));
        assert_message("cut: the ");
        assert_message("truncated");
    }
    packed[packed_size / 2] ^= 0x55;
    path = fnas_test_write(place, "flipped", packed, packed_size);
    assert_status(FNAS_ERR_INPUT, fnas_file_read_decompressed(place->context, path, plain_size, &data, &size));
    packed[packed_size / 2] ^= 0x55;

    memcpy(packed + packed_size, packed, packed_size); /* two members are one file */
    path = fnas_test_write(place, "twice", packed, 2 * packed_size);
    assert_status(FNAS_OK, fnas_file_read_decompressed(place->context, path, 2 * plain_size, &data, &size));
    assert_int_equal(size, 2 * plain_size);
    assert_memory_equal(data + plain_size, plain, plain_size);
    fnas_free(data);
    free(plain);
    free(packed);
}

static void gzip_is_read(void **state) {
    check_compression(*state, false);
}

static void xz_is_read(void **state) {
    check_compression(*state, true);
}

static void plain_files_pass_through(void **state) {
    fnas_test_place *place = *state;
    unsigned char *data;
    size_t size;
    const char *path = fnas_test_write_text(place, "plain", "abc");
    assert_status(FNAS_OK, fnas_file_read_decompressed(place->context, path, 3, &data, &size));
    assert_string_equal((char *)data, "abc");
    fnas_free(data);
    assert_status(FNAS_ERR_INPUT, fnas_file_read_decompressed(place->context, path, 2, &data, &size));
}

static void atomic_write_replaces(void **state) {
    fnas_test_place *place = *state;
    const char *path = fnas_test_path(place, "file");
    assert_status(FNAS_OK, fnas_file_write_atomic(place->context, path, "old", 3));
    assert_content(place, path, "old");
    assert_int_equal(chmod(path, 0640), 0);
    assert_status(FNAS_OK, fnas_file_write_atomic(place->context, path, "newer", 5));
    assert_content(place, path, "newer");
    assert_status(FNAS_OK, fnas_file_write_atomic(place->context, path, "", 0));
    assert_content(place, path, "");
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
    assert_int_equal(count_files(place->folder), 1);
}

static void links_and_devices_survive(void **state) {
    fnas_test_place *place = *state;
    const char *target = fnas_test_write_text(place, "target", "old"), *name = fnas_test_path(place, "name");
    assert_int_equal(symlink("target", name), 0);
    assert_status(FNAS_OK, fnas_file_write_atomic(place->context, name, "new", 3));
    assert_content(place, target, "new");
    struct stat info;
    assert_int_equal(lstat(name, &info), 0);
    assert_true(S_ISLNK(info.st_mode));

    assert_status(FNAS_OK, fnas_file_write_atomic(place->context, "/dev/null", "x", 1));
    assert_int_equal(stat("/dev/null", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
}

static void full_disk_is_reported(void **state) {
    fnas_test_place *place = *state;
    if (access("/dev/full", W_OK)) skip();
    assert_status(FNAS_ERR_IO, fnas_file_write_atomic(place->context, "/dev/full", "x", 1));
    assert_message("/dev/full: cannot write: No space left on device");
}

/* A limit on file sizes makes write() first short and then fail, as a full disk does. In a child, as the limit cannot be taken back. */
static void failing_write_keeps_the_old_file(void **state) {
    fnas_test_place *place = *state;
    const char *path = fnas_test_path(place, "file");
    assert_status(FNAS_OK, fnas_file_write_atomic(place->context, path, "the old content", 15));
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child) {
        static char big[300000];
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){100000, 100000});
        fnas_status status = fnas_file_write_atomic(place->context, path, big, sizeof big);
        bool named = strstr(fnas_context_message(place->context), path) && strstr(fnas_context_message(place->context), strerror(EFBIG));
        _exit(status == FNAS_ERR_IO && named ? 0 : 1);
    }
    int outcome;
    assert_int_equal(waitpid(child, &outcome, 0), child);
    assert_true(WIFEXITED(outcome));
    assert_int_equal(WEXITSTATUS(outcome), 0);
    assert_content(place, path, "the old content");
    assert_int_equal(count_files(place->folder), 1);
}

static void aborted_writer_leaves_nothing(void **state) {
    fnas_test_place *place = *state;
    fnas_file_writer *writer;
    const char *path = fnas_test_write_text(place, "file", "old");
    assert_status(FNAS_OK, fnas_file_writer_begin(place->context, path, &writer));
    assert_status(FNAS_OK, fnas_file_writer_append(place->context, writer, "new", 3));
    assert_int_equal(count_files(place->folder), 2);
    assert_content(place, path, "old");
    fnas_file_writer_abort(writer);
    assert_int_equal(count_files(place->folder), 1);
    assert_content(place, path, "old");
}

static void writing_to_nowhere_is_named(void **state) {
    fnas_test_place *place = *state;
    const char *path = fnas_test_path(place, "no/such/file");
    assert_status(FNAS_ERR_IO, fnas_file_write_atomic(place->context, path, "x", 1));
    assert_message("no/such/file: cannot create: No such file or directory");
    assert_status(FNAS_ERR_IO, fnas_file_write_atomic(place->context, place->folder, "x", 1));
    assert_message("Is a directory");
}

static void folders_are_made_with_parents(void **state) {
    fnas_test_place *place = *state;
    assert_status(FNAS_OK, fnas_folder_create(place->context, fnas_test_path(place, "a/b//c/")));
    assert_true(fnas_folder_exists(fnas_test_path(place, "a/b/c")));
    assert_status(FNAS_OK, fnas_folder_create(place->context, fnas_test_path(place, "a/b")));
    fnas_test_write_text(place, "a/file", "");
    assert_status(FNAS_ERR_IO, fnas_folder_create(place->context, fnas_test_path(place, "a/file")));
    assert_message("a file has this name");
    assert_status(FNAS_ERR_IO, fnas_folder_create(place->context, fnas_test_path(place, "a/file/b")));
    assert_message("a/file");
    /* What can be told before: the same, and nothing is made. */
    assert_status(FNAS_OK, fnas_folder_check_creatable(place->context, fnas_test_path(place, "new/and/newer")));
    assert_status(FNAS_OK, fnas_folder_check_creatable(place->context, fnas_test_path(place, "a/b/")));
    assert_status(FNAS_OK, fnas_folder_check_creatable(place->context, "relative"));
    assert_status(FNAS_ERR_IO, fnas_folder_check_creatable(place->context, fnas_test_path(place, "a/file")));
    assert_status(FNAS_ERR_IO, fnas_folder_check_creatable(place->context, fnas_test_path(place, "a/file/b")));
    assert_false(fnas_folder_exists(fnas_test_path(place, "new")));
}

static void abandoned_temporaries_are_removed(void **state) {
    fnas_test_place *place = *state;
    char own[64];
    snprintf(own, sizeof own, ".fnas-%ld-0.tmp", (long)getpid());
    const char *dead = ".fnas-2147483646-3.tmp",
               *kept[] = {own, ".fnas-2147483646-3.tmp2", ".fnas-x-3.tmp", "file"}; /* beyond any process */
    fnas_test_write_text(place, dead, "half");
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) fnas_test_write_text(place, kept[i], "kept");
    fnas_folder_remove_temporaries(place->folder);
    assert_false(fnas_file_exists(fnas_test_path(place, dead)));
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) assert_true(fnas_file_exists(fnas_test_path(place, kept[i])));
    fnas_folder_remove_temporaries(fnas_test_path(place, "absent"));
}

static void named_pipes_are_refused(void **state) {
    fnas_test_place *place = *state;
    const char *path = fnas_test_path(place, "pipe");
    unsigned char *data;
    size_t size;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_status(FNAS_ERR_INPUT, fnas_file_read(place->context, path, 100, &data, &size));
    assert_message("is a named pipe");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        fnas_test(named_pipes_are_refused),
        fnas_test(reading_has_a_limit),
        fnas_test(missing_files_are_named),
        fnas_test(gzip_is_read),
        fnas_test(xz_is_read),
        fnas_test(plain_files_pass_through),
        fnas_test(atomic_write_replaces),
        fnas_test(links_and_devices_survive),
        fnas_test(full_disk_is_reported),
        fnas_test(failing_write_keeps_the_old_file),
        fnas_test(aborted_writer_leaves_nothing),
        fnas_test(writing_to_nowhere_is_named),
        fnas_test(folders_are_made_with_parents),
        fnas_test(abandoned_temporaries_are_removed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
