/* Temporary folders: private, emptied, removed; what killed processes left goes, what is in use or young stays. */
#include "base/support.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/temporary.h"

#define AGE_S 3600

static bool exists(const char *path) {
    return access(path, F_OK) == 0;
}

static void write_into(const char *folder, const char *name) {
    char path[800];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
}

static bool has_file(const char *folder, const char *name) {
    char path[800];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return exists(path);
}

static void make_old(const char *path) {
    const struct timespec times[2] = {{.tv_sec = time(NULL) - AGE_S}, {.tv_sec = time(NULL) - AGE_S}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void a_folder_is_private_and_goes(void **state) {
    fnas_test_place *place = *state;
    fnas_temporary folder = {0};
    struct stat found;
    setenv("TMPDIR", place->folder, 1);
    fnas_temporary_remove(&folder); /* nothing was made */
    assert_status(FNAS_OK, fnas_temporary_create(place->context, &folder));
    assert_int_equal(strncmp(folder.path, place->folder, strlen(place->folder)), 0);
    assert_int_equal(stat(folder.path, &found), 0);
    assert_int_equal(found.st_mode & 0777, 0700);
    char path[400];
    snprintf(path, sizeof path, "%s", folder.path);
    for (int pass = 0; pass < 2; pass++) { /* what is emptied can be filled and emptied again */
        write_into(path, "one");
        write_into(path, "two");
        fnas_temporary_empty(&folder);
        assert_false(has_file(path, "one") || has_file(path, "two"));
    }
    write_into(path, "three");
    fnas_temporary_remove(&folder);
    assert_null(folder.path);
    assert_false(exists(path));
    setenv("TMPDIR", fnas_test_path(place, "missing"), 1);
    assert_status(FNAS_ERR_IO, fnas_temporary_create(place->context, &folder));
    assert_message("TMPDIR says where");
    unsetenv("TMPDIR");
}

/* Makes a folder with a file in it in a process that is killed. */
static void leave_behind(fnas_test_place *place, char path[400]) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        fnas_temporary folder;
        if (fnas_temporary_create(place->context, &folder) != FNAS_OK) _exit(1);
        write_into(folder.path, "left");
        if (write(ends[1], folder.path, strlen(folder.path) + 1) < 0) _exit(1);
        kill(getpid(), SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_true(read(ends[0], path, 400) > 0);
    close(ends[0]);
    close(ends[1]);
    assert_true(exists(path));
}

static void what_killed_processes_left_goes(void **state) {
    fnas_test_place *place = *state;
    fnas_temporary used, next;
    char left[400], young[400], other[400];
    setenv("TMPDIR", place->folder, 1);
    leave_behind(place, left);
    leave_behind(place, young);
    make_old(left);
    assert_status(FNAS_OK, fnas_temporary_create(place->context, &used));
    assert_false(exists(left));
    assert_true(exists(young)); /* it could belong to someone who is about to lock it */
    write_into(used.path, "mine");
    make_old(used.path);
    snprintf(other, sizeof other, "%s/fleetnas-results", place->folder); /* no name of ours */
    assert_int_equal(mkdir(other, 0700), 0);
    make_old(other);
    assert_status(FNAS_OK, fnas_temporary_create(place->context, &next));
    assert_true(exists(used.path)); /* old, but in use */
    assert_true(exists(other));
    fnas_temporary_remove(&used);
    fnas_temporary_remove(&next);
    unsetenv("TMPDIR");
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(a_folder_is_private_and_goes), fnas_test(what_killed_processes_left_goes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
