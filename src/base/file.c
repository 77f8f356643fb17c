#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <lzma.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/memory.h"

#define FNAS_READ_CHUNK_BYTES ((size_t)1 << 16)
#define FNAS_READ_STEP_BYTES ((size_t)1 << 24)   /* at a time, of a reading that can be stopped */
#define FNAS_XZ_MEMORY_BYTES ((uint64_t)1 << 27) /* enough for xz -9 */

bool fnas_file_exists(const char *path) {
    struct stat info;
    return !stat(path, &info) && !S_ISDIR(info.st_mode);
}

bool fnas_folder_exists(const char *path) {
    struct stat info;
    return !stat(path, &info) && S_ISDIR(info.st_mode);
}

/* ---- reading ---- */

/* A growing run of bytes with a limit. */
typedef struct fnas_bytes {
    unsigned char *data;
    size_t size, capacity, limit;
    bool stoppable; /* the context's wish to stop ends the reading */
} fnas_bytes;

static bool fnas_bytes_reserve(fnas_bytes *bytes, size_t more) {
    void *data = bytes->data;
    bool grown = fnas_grow(&data, &bytes->capacity, bytes->size + more, 1);
    bytes->data = data;
    return grown;
}

static fnas_status fnas_fail_too_large(fnas_context *context, const char *path, size_t limit_bytes) {
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: larger than the %zu bytes allowed here", path, limit_bytes);
}

static ssize_t fnas_read_some(int descriptor, void *data, size_t size) {
    ssize_t got;
    do got = read(descriptor, data, size);
    while (got < 0 && errno == EINTR);
    return got;
}

static fnas_status fnas_read_descriptor(fnas_context *context, const char *path, int descriptor, fnas_bytes *bytes) {
    struct stat info;
    if (!fstat(descriptor, &info) && S_ISREG(info.st_mode)) {
        if ((uint64_t)info.st_size > bytes->limit) return fnas_fail_too_large(context, path, bytes->limit);
        if (!fnas_bytes_reserve(bytes, (size_t)info.st_size + 2)) return fnas_fail_memory(context, path);
    }
    for (;;) {
        if (bytes->capacity - bytes->size < 2 && !fnas_bytes_reserve(bytes, FNAS_READ_CHUNK_BYTES)) return fnas_fail_memory(context, path);
        if (bytes->stoppable && fnas_context_stop_requested(context))
            return fnas_fail(context, FNAS_INTERRUPTED, "%s: stopped while it was read", path);
        size_t room = bytes->capacity - bytes->size - 1;
        if (bytes->stoppable && room > FNAS_READ_STEP_BYTES) room = FNAS_READ_STEP_BYTES;
        ssize_t got = fnas_read_some(descriptor, bytes->data + bytes->size, room);
        if (got < 0) return fnas_fail_errno(context, path, "read");
        if (!got) break;
        bytes->size += (size_t)got;
        if (bytes->size > bytes->limit) return fnas_fail_too_large(context, path, bytes->limit);
    }
    bytes->data[bytes->size] = 0;
    return FNAS_OK;
}

/* A named pipe may be empty for now, and a socket has no end. What stands behind a descriptor of this process (/dev/stdin, <(...)) is read
 * to its end. */
static fnas_status fnas_check_readable(fnas_context *context, const char *path, int descriptor) {
    struct stat info;
    if (fstat(descriptor, &info) != 0) return fnas_fail_errno(context, path, "open");
    if (!S_ISFIFO(info.st_mode)) return FNAS_OK;
    if (strncmp(path, "/dev/", 5) != 0 && strncmp(path, "/proc/", 6) != 0)
        return fnas_fail(context, FNAS_ERR_INPUT, "%s is a named pipe: write to a file, or read from /dev/stdin", path);
    if (fcntl(descriptor, F_SETFL, 0) != 0) return fnas_fail_errno(context, path, "open");
    return FNAS_OK;
}

/* /dev/zero has no end: its bytes would be read up to the limit. */
static fnas_status fnas_check_no_device(fnas_context *context, const char *path, int descriptor) {
    struct stat info;
    if (fstat(descriptor, &info) != 0) return fnas_fail_errno(context, path, "open");
    if (!S_ISCHR(info.st_mode) && !S_ISBLK(info.st_mode)) return FNAS_OK;
    return fnas_fail(context, FNAS_ERR_INPUT, "%s is a device: name a file", path);
}

static fnas_status fnas_read_whole(fnas_context *context, const char *path, size_t limit_bytes, bool stoppable, unsigned char **data,
                                   size_t *size_bytes) {
    *data = NULL;
    *size_bytes = 0;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a named pipe without a writer would wait for one for ever */
    if (descriptor < 0) return fnas_fail_errno(context, path, "open");
    fnas_bytes bytes = {.limit = limit_bytes, .stoppable = stoppable};
    fnas_status status = fnas_check_readable(context, path, descriptor);
    if (status == FNAS_OK && stoppable) status = fnas_check_no_device(context, path, descriptor);
    if (status == FNAS_OK) status = fnas_read_descriptor(context, path, descriptor, &bytes);
    close(descriptor);
    if (status != FNAS_OK) {
        fnas_free(bytes.data);
        return status;
    }
    *data = bytes.data;
    *size_bytes = bytes.size;
    return FNAS_OK;
}

fnas_status fnas_file_read(fnas_context *context, const char *path, size_t limit_bytes, unsigned char **data, size_t *size_bytes) {
    return fnas_read_whole(context, path, limit_bytes, false, data, size_bytes);
}

fnas_status fnas_file_read_large(fnas_context *context, const char *path, size_t limit_bytes, unsigned char **data, size_t *size_bytes) {
    return fnas_read_whole(context, path, limit_bytes, true, data, size_bytes);
}

/* ---- decompression ---- */

/* Room for at least one more byte than the limit allows, so that too much is seen, and for the 0 behind the end. */
static fnas_status fnas_decompress_room(fnas_context *context, const char *path, fnas_bytes *out) {
    if (out->size > out->limit) return fnas_fail_too_large(context, path, out->limit);
    if (out->capacity - out->size >= 2) return FNAS_OK;
    return fnas_bytes_reserve(out, FNAS_READ_CHUNK_BYTES) ? FNAS_OK : fnas_fail_memory(context, path);
}

static unsigned int fnas_clip_uint(size_t size) {
    return size > UINT_MAX / 2 ? UINT_MAX / 2 : (unsigned int)size;
}

static fnas_status fnas_fail_damaged(fnas_context *context, const char *path, const char *format, bool truncated) {
    return fnas_fail(context, FNAS_ERR_INPUT, "%s: the %s data %s: get the file anew", path, format,
                     truncated ? "is truncated" : "is damaged");
}

/* A gzip file is one or more members one after another (RFC 1952, 2.2). */
static fnas_status fnas_gunzip_stream(fnas_context *context, const char *path, z_stream *stream, const unsigned char *data, size_t size,
                                      fnas_bytes *out) {
    size_t consumed = 0;
    for (;;) {
        FNAS_TRY(fnas_decompress_room(context, path, out));
        unsigned int available = fnas_clip_uint(size - consumed), room = fnas_clip_uint(out->capacity - out->size - 1);
        stream->next_in = (unsigned char *)(uintptr_t)(data + consumed); /* zlib reads only, but its type is not const */
        stream->avail_in = available;
        stream->next_out = out->data + out->size;
        stream->avail_out = room;
        int code = inflate(stream, Z_NO_FLUSH);
        consumed += available - stream->avail_in;
        out->size += room - stream->avail_out;
        if (code == Z_STREAM_END) {
            if (consumed == size) return FNAS_OK;
            if (inflateReset(stream) != Z_OK) return fnas_fail_damaged(context, path, "gzip", false);
        } else if (code == Z_MEM_ERROR) {
            return fnas_fail_memory(context, path);
        } else if (code == Z_BUF_ERROR || (code == Z_OK && consumed == size && stream->avail_out)) {
            return fnas_fail_damaged(context, path, "gzip", true);
        } else if (code != Z_OK) {
            return fnas_fail_damaged(context, path, "gzip", false);
        }
    }
}

static fnas_status fnas_gunzip(fnas_context *context, const char *path, const unsigned char *data, size_t size, fnas_bytes *out) {
    z_stream stream = {0};
    if (inflateInit2(&stream, 15 + 16) != Z_OK) return fnas_fail_memory(context, path); /* 32 KB window, gzip header */
    fnas_status status = fnas_gunzip_stream(context, path, &stream, data, size, out);
    inflateEnd(&stream);
    return status;
}

static fnas_status fnas_unxz_stream(fnas_context *context, const char *path, lzma_stream *stream, fnas_bytes *out) {
    for (;;) {
        FNAS_TRY(fnas_decompress_room(context, path, out));
        size_t room = out->capacity - out->size - 1;
        stream->next_out = out->data + out->size;
        stream->avail_out = room;
        lzma_ret code = lzma_code(stream, LZMA_FINISH);
        out->size += room - stream->avail_out;
        if (code == LZMA_STREAM_END) return FNAS_OK;
        if (code == LZMA_MEM_ERROR || code == LZMA_MEMLIMIT_ERROR) return fnas_fail_memory(context, path);
        if (code == LZMA_BUF_ERROR) return fnas_fail_damaged(context, path, "xz", true);
        if (code != LZMA_OK) return fnas_fail_damaged(context, path, "xz", false);
    }
}

static fnas_status fnas_unxz(fnas_context *context, const char *path, const unsigned char *data, size_t size, fnas_bytes *out) {
    lzma_stream stream = LZMA_STREAM_INIT;
    if (lzma_stream_decoder(&stream, FNAS_XZ_MEMORY_BYTES, LZMA_CONCATENATED) != LZMA_OK) return fnas_fail_memory(context, path);
    stream.next_in = data;
    stream.avail_in = size;
    fnas_status status = fnas_unxz_stream(context, path, &stream, out);
    lzma_end(&stream);
    return status;
}

fnas_status fnas_file_read_decompressed(fnas_context *context, const char *path, size_t limit_bytes, unsigned char **data,
                                        size_t *size_bytes) {
    static const unsigned char gzip_magic[] = {0x1F, 0x8B}, xz_magic[] = {0xFD, '7', 'z', 'X', 'Z', 0};
    unsigned char *packed;
    size_t packed_size, slack = limit_bytes / 64 + 65536; /* what does not compress grows a little */
    *data = NULL;
    *size_bytes = 0;
    FNAS_TRY(fnas_file_read(context, path, limit_bytes > SIZE_MAX - slack ? SIZE_MAX : limit_bytes + slack, &packed, &packed_size));

    fnas_bytes out = {.limit = limit_bytes};
    fnas_status status;
    if (packed_size >= sizeof gzip_magic && !memcmp(packed, gzip_magic, sizeof gzip_magic)) {
        status = fnas_gunzip(context, path, packed, packed_size, &out);
    } else if (packed_size >= sizeof xz_magic && !memcmp(packed, xz_magic, sizeof xz_magic)) {
        status = fnas_unxz(context, path, packed, packed_size, &out);
    } else {
        if (packed_size <= limit_bytes) {
            *data = packed;
            *size_bytes = packed_size;
            return FNAS_OK;
        }
        status = fnas_fail_too_large(context, path, limit_bytes);
    }
    fnas_free(packed);
    if (status == FNAS_OK && out.size > limit_bytes) status = fnas_fail_too_large(context, path, limit_bytes);
    if (status != FNAS_OK) {
        fnas_free(out.data);
        return status;
    }
    out.data[out.size] = 0;
    *data = out.data;
    *size_bytes = out.size;
    return FNAS_OK;
}

/* ---- writing ---- */

struct fnas_file_writer {
    int descriptor;
    char *path;      /* as the caller named it, for messages */
    char *target;    /* behind symbolic links */
    char *temporary; /* NULL when written to directly */
};

static void fnas_file_writer_release(fnas_file_writer *writer) {
    fnas_free(writer->path);
    free(writer->target); /* of realpath or strdup */
    fnas_free(writer->temporary);
    fnas_free(writer);
}

static fnas_status fnas_open_temporary(fnas_context *context, fnas_file_writer *writer, mode_t mode) {
    static atomic_uint number;
    char *folder = fnas_path_folder(writer->target);
    if (!folder) return fnas_fail_memory(context, writer->path);
    for (int attempt = 0; attempt < 1000; attempt++) { /* names left behind by a killed process with our number may exist */
        char name[64];
        snprintf(name, sizeof name, ".fnas-%ld-%u.tmp", (long)getpid(), atomic_fetch_add(&number, 1));
        fnas_free(writer->temporary);
        writer->temporary = fnas_path_join(folder, name);
        if (!writer->temporary) break;
        writer->descriptor = open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, mode);
        if (writer->descriptor >= 0 || errno != EEXIST) break;
    }
    int code = errno;
    fnas_free(folder);
    if (!writer->temporary) return fnas_fail_memory(context, writer->path);
    errno = code;
    return writer->descriptor >= 0 ? FNAS_OK : fnas_fail_errno(context, writer->path, "create");
}

static fnas_status fnas_open_target(fnas_context *context, fnas_file_writer *writer) {
    struct stat info;
    bool exists = !stat(writer->path, &info);
    if (exists && S_ISDIR(info.st_mode)) {
        errno = EISDIR;
        return fnas_fail_errno(context, writer->path, "write");
    }
    if (exists && !S_ISREG(info.st_mode)) { /* replacing /dev/null by a file would be a bad surprise */
        writer->descriptor = open(writer->path, O_WRONLY | O_CLOEXEC);
        return writer->descriptor >= 0 ? FNAS_OK : fnas_fail_errno(context, writer->path, "write");
    }
    writer->target = exists ? realpath(writer->path, NULL) : strdup(writer->path);
    if (!writer->target) return fnas_fail_errno(context, writer->path, "write");
    FNAS_TRY(fnas_open_temporary(context, writer, 0666));
    if (exists) (void)fchmod(writer->descriptor, info.st_mode & 0777); /* best effort: the owner may be another */
    return FNAS_OK;
}

fnas_status fnas_file_writer_begin(fnas_context *context, const char *path, fnas_file_writer **writer) {
    *writer = NULL;
    fnas_file_writer *created = fnas_allocate(1, sizeof *created);
    if (!created) return fnas_fail_memory(context, path);
    created->descriptor = -1;
    created->path = fnas_strdup(path);
    fnas_status status = created->path ? fnas_open_target(context, created) : fnas_fail_memory(context, path);
    if (status != FNAS_OK) {
        fnas_file_writer_release(created);
        return status;
    }
    *writer = created;
    return FNAS_OK;
}

fnas_status fnas_file_writer_append(fnas_context *context, fnas_file_writer *writer, const void *data, size_t size_bytes) {
    const unsigned char *bytes = data;
    while (size_bytes) {
        ssize_t wrote = write(writer->descriptor, bytes, size_bytes);
        if (wrote < 0 && errno == EINTR) continue;
        if (wrote < 0) return fnas_fail_errno(context, writer->path, "write");
        if (!wrote) {
            errno = ENOSPC;
            return fnas_fail_errno(context, writer->path, "write");
        }
        bytes += wrote;
        size_bytes -= (size_t)wrote;
    }
    return FNAS_OK;
}

void fnas_file_writer_abort(fnas_file_writer *writer) {
    if (!writer) return;
    if (writer->descriptor >= 0) close(writer->descriptor);
    if (writer->temporary) unlink(writer->temporary);
    fnas_file_writer_release(writer);
}

static fnas_status fnas_sync_folder_of(fnas_context *context, const fnas_file_writer *writer) {
    char *folder = fnas_path_folder(writer->target);
    if (!folder) return fnas_fail_memory(context, writer->path);
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    fnas_free(folder);
    if (descriptor < 0) return errno == EACCES ? FNAS_OK : fnas_fail_errno(context, writer->path, "sync the folder of");
    int code = fsync(descriptor) ? errno : 0;
    close(descriptor);
    if (!code || code == EINVAL || code == ENOTSUP) return FNAS_OK; /* file systems that cannot sync folders */
    errno = code;
    return fnas_fail_errno(context, writer->path, "sync the folder of");
}

static fnas_status fnas_file_writer_close(fnas_context *context, fnas_file_writer *writer) {
    if (writer->temporary && fsync(writer->descriptor)) return fnas_fail_errno(context, writer->path, "write");
    int code = close(writer->descriptor);
    writer->descriptor = -1;
    return code ? fnas_fail_errno(context, writer->path, "write") : FNAS_OK; /* delayed errors (NFS quotas) show here */
}

static fnas_status fnas_file_writer_publish(fnas_context *context, fnas_file_writer *writer) {
    FNAS_TRY(fnas_file_writer_close(context, writer));
    if (!writer->temporary) return FNAS_OK;
    if (rename(writer->temporary, writer->target)) return fnas_fail_errno(context, writer->path, "replace");
    fnas_free(writer->temporary);
    writer->temporary = NULL; /* it has become the file: nothing to remove */
    return fnas_sync_folder_of(context, writer);
}

fnas_status fnas_file_writer_commit(fnas_context *context, fnas_file_writer *writer) {
    fnas_status status = fnas_file_writer_publish(context, writer);
    fnas_file_writer_abort(writer);
    return status;
}

fnas_status fnas_file_write_atomic(fnas_context *context, const char *path, const void *data, size_t size_bytes) {
    fnas_file_writer *writer;
    FNAS_TRY(fnas_file_writer_begin(context, path, &writer));
    fnas_status status = fnas_file_writer_append(context, writer, data, size_bytes);
    if (status == FNAS_OK) return fnas_file_writer_commit(context, writer);
    fnas_file_writer_abort(writer);
    return status;
}

/* ---- folders ---- */

static fnas_status fnas_folder_create_one(fnas_context *context, const char *path) {
    if (!mkdir(path, 0777)) return FNAS_OK;
    int code = errno;
    if (fnas_folder_exists(path)) return FNAS_OK;
    errno = code;
    if (code == EEXIST) return fnas_fail(context, FNAS_ERR_IO, "%s: cannot create the folder: a file has this name", path);
    return fnas_fail_errno(context, path, "create the folder");
}

fnas_status fnas_folder_create(fnas_context *context, const char *path) {
    char *part = fnas_strdup(path);
    if (!part) return fnas_fail_memory(context, path);
    fnas_status status = FNAS_OK;
    for (char *slash = part; status == FNAS_OK && slash;) {
        slash = *slash ? strchr(slash + 1, '/') : NULL;
        if (slash) *slash = 0;
        status = fnas_folder_create_one(context, part);
        if (slash) *slash = '/';
    }
    fnas_free(part);
    return status;
}

fnas_status fnas_folder_check_creatable(fnas_context *context, const char *path) {
    char *part = fnas_strdup(path);
    struct stat entry;                                            /* a link that leads nowhere is there, and in the way */
    while (part && lstat(part, &entry) != 0 && errno == ENOENT) { /* up to the folder that is there, at the latest "/" or "." */
        char *above = fnas_path_folder(part);
        bool is_top = above && strcmp(above, part) == 0;
        fnas_free(part);
        part = above;
        if (is_top) break;
    }
    if (!part) return fnas_fail_memory(context, path);
    int code = access(part, W_OK | X_OK) != 0 ? errno : fnas_folder_exists(part) ? 0 : ENOTDIR;
    fnas_free(part);
    errno = code;
    return code ? fnas_fail_errno(context, path, "create the folder") : FNAS_OK;
}

/* ".fnas-PID-N.tmp" of a process that is no more. */
static bool fnas_is_abandoned(const char *name) {
    long process;
    unsigned int number;
    int length = 0;
    bool ours = sscanf(name, ".fnas-%ld-%u.tmp%n", &process, &number, &length) == 2 && length > 0 && !name[length];
    return ours && process > 0 && kill((pid_t)process, 0) && errno == ESRCH;
}

void fnas_folder_remove_temporaries(const char *path) {
    DIR *folder = opendir(path);
    if (!folder) return;
    for (struct dirent *entry; (entry = readdir(folder));) {
        if (fnas_is_abandoned(entry->d_name)) (void)unlinkat(dirfd(folder), entry->d_name, 0);
    }
    closedir(folder);
}
