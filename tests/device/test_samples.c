/* Samples on the disk: what was added is found again, by the same measurement only. */
#include "base/support.h"

#include <math.h>
#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "device/samples.h"

static const fnas_samples_setting settings[] = {{"space", "nb201"}, {"threads", "1"}}, others[] = {{"space", "nb201"}, {"threads", "2"}};

static void what_was_added_is_found(void **state) {
    fnas_test_place *place = *state;
    const char *path = fnas_test_path(place, "s.sqlite");
    fnas_samples *samples;
    fnas_sample taken = {7, 1.5, NAN, 1e-6}, read;
    bool found;
    char text[32];
    for (int pass = 0; pass < 2; pass++) {
        assert_status(FNAS_OK, fnas_samples_open(place->context, path, 2, settings, &samples));
        assert_status(FNAS_OK, fnas_samples_find(place->context, samples, (fnas_samples_turn){0, 1, 2}, &found, &read));
        assert_int_equal(found, pass);
        if (!pass) assert_status(FNAS_OK, fnas_samples_add(place->context, samples, (fnas_samples_turn){0, 1, 2}, &taken));
        assert_status(FNAS_OK, fnas_samples_find(place->context, samples, (fnas_samples_turn){0, 1, 2}, &found, &read));
        assert_true(found && read.arch == 7 && read.ms == 1.5 && isnan(read.energy_mj) && read.difference == 1e-6);
        assert_status(FNAS_OK, fnas_samples_find(place->context, samples, (fnas_samples_turn){0, 2, 1}, &found, &read));
        assert_false(found);
        assert_status(FNAS_OK, fnas_samples_held(place->context, samples, "runtime", text, sizeof text));
        assert_string_equal(text, pass ? "x 1.0" : "");
        assert_status(FNAS_OK, fnas_samples_hold(place->context, samples, "runtime", "x 1.0"));
        assert_status(FNAS_ERR_INPUT, fnas_samples_hold(place->context, samples, "runtime", "x 2.0"));
        assert_message("runtime is \"x 1.0\" there and \"x 2.0\" now");
        assert_status(FNAS_OK, fnas_samples_close(place->context, samples));
    }
    assert_status(FNAS_OK, fnas_samples_close(place->context, NULL));
}

static void another_measurement_is_refused(void **state) {
    fnas_test_place *place = *state;
    const char *path = fnas_test_path(place, "s.sqlite");
    fnas_samples *samples, *second;
    assert_status(FNAS_OK, fnas_samples_open(place->context, path, 2, settings, &samples));
    fnas_sample taken = {0, 1, NAN, NAN};
    assert_status(FNAS_OK, fnas_samples_add(place->context, samples, (fnas_samples_turn){0, 0, 0}, &taken));
    assert_status(FNAS_ERR_IO, fnas_samples_open(place->context, path, 2, settings, &second));
    assert_message("another measurement is writing to it");
    assert_status(FNAS_OK, fnas_samples_close(place->context, samples));
    assert_status(FNAS_ERR_INPUT, fnas_samples_open(place->context, path, 2, others, &second));
    assert_message("threads is \"1\" there and \"2\" now");
    assert_null(second);
    const char *text = fnas_test_write_text(place, "text", "these are certainly not the bytes of a data base, which would begin otherwise");
    assert_status(FNAS_ERR_INPUT, fnas_samples_open(place->context, text, 2, settings, &second));
    assert_message("no samples of a measurement");
    assert_status(FNAS_ERR_IO, fnas_samples_open(place->context, fnas_test_path(place, "none/s.sqlite"), 2, settings, &second));
    assert_message("none/s.sqlite: ");
}

/* SQLite would keep this one in memory. */
static void a_path_that_looks_like_a_uri_is_none(void **state) {
    fnas_test_place *place = *state;
    fnas_samples *samples;
    assert_int_equal(chdir(place->folder), 0);
    assert_status(FNAS_OK, fnas_samples_open(place->context, "file:s.sqlite?mode=memory", 2, settings, &samples));
    fnas_sample taken = {0, 1, NAN, NAN};
    assert_status(FNAS_OK, fnas_samples_add(place->context, samples, (fnas_samples_turn){0, 0, 0}, &taken));
    assert_status(FNAS_OK, fnas_samples_close(place->context, samples));
    assert_int_equal(access("./file:s.sqlite?mode=memory", R_OK), 0);
    assert_status(FNAS_ERR_INPUT, fnas_samples_open(place->context, "file:s.sqlite?mode=memory", 2, others, &samples));
    assert_int_equal(chdir("/"), 0);
}

/* A measurement that took nothing (its program was not found) leaves the name to the next one. */
static void settings_without_samples_bind_nobody(void **state) {
    fnas_test_place *place = *state;
    const char *path = fnas_test_path(place, "s.sqlite");
    fnas_samples *samples;
    assert_status(FNAS_OK, fnas_samples_open(place->context, path, 2, settings, &samples));
    assert_status(FNAS_OK, fnas_samples_close(place->context, samples));
    assert_status(FNAS_OK, fnas_samples_open(place->context, path, 2, others, &samples));
    assert_status(FNAS_OK, fnas_samples_close(place->context, samples));
}

/* Another measurement finds the name free then; where there was no file there is none. */
static void what_is_forgotten_is_gone(void **state) {
    fnas_test_place *place = *state;
    const char *path = fnas_test_path(place, "s.sqlite");
    fnas_samples *samples;
    fnas_sample taken = {0, 1, NAN, NAN}, read;
    bool found;
    assert_status(FNAS_OK, fnas_samples_forget(place->context, path));
    assert_int_not_equal(access(path, F_OK), 0);
    assert_status(FNAS_OK, fnas_samples_open(place->context, path, 2, settings, &samples));
    assert_status(FNAS_OK, fnas_samples_add(place->context, samples, (fnas_samples_turn){0, 0, 0}, &taken));
    assert_status(FNAS_ERR_IO, fnas_samples_forget(place->context, path)); /* it is in use */
    assert_message("another measurement is writing to it");
    assert_status(FNAS_OK, fnas_samples_close(place->context, samples));
    assert_status(FNAS_OK, fnas_samples_forget(place->context, path));
    assert_status(FNAS_OK, fnas_samples_open(place->context, path, 2, others, &samples));
    assert_status(FNAS_OK, fnas_samples_find(place->context, samples, (fnas_samples_turn){0, 0, 0}, &found, &read));
    assert_false(found);
    assert_status(FNAS_OK, fnas_samples_close(place->context, samples));
    const char *text = fnas_test_write_text(place, "text", "these are certainly not the bytes of a data base, which would begin otherwise");
    assert_status(FNAS_ERR_INPUT, fnas_samples_forget(place->context, text));
    assert_message("no samples of a measurement");
}

static void write_base(const char *path, const char *sql) {
    sqlite3 *base;
    assert_int_equal(sqlite3_open(path, &base), SQLITE_OK);
    assert_int_equal(sqlite3_exec(base, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(base);
}

/* Its tables may be other ones. */
static void samples_of_another_version_are_begun_anew(void **state) {
    fnas_test_place *place = *state;
    const char *path = fnas_test_path(place, "s.sqlite");
    fnas_samples *samples;
    write_base(path, "CREATE TABLE settings(key TEXT, value TEXT); INSERT INTO settings VALUES ('format', 'fleetnas-samples/0');"
                     "CREATE TABLE samples(arch TEXT, ms REAL); INSERT INTO samples VALUES ('x', 1);");
    assert_status(FNAS_ERR_INPUT, fnas_samples_open(place->context, path, 2, settings, &samples));
    assert_message("samples of another version of fleetnas: begin anew (--anew)");
    assert_status(FNAS_OK, fnas_samples_forget(place->context, path));
    assert_status(FNAS_OK, fnas_samples_open(place->context, path, 2, settings, &samples));
    assert_status(FNAS_OK, fnas_samples_add(place->context, samples, (fnas_samples_turn){0, 0, 0}, &(fnas_sample){0, 1, NAN, NAN}));
    assert_status(FNAS_OK, fnas_samples_close(place->context, samples));
}

static void what_others_keep_is_not_thrown_away(void **state) {
    fnas_test_place *place = *state;
    const char *path = fnas_test_path(place, "log.sqlite");
    fnas_samples *samples;
    write_base(path, "CREATE TABLE settings(key TEXT PRIMARY KEY, value TEXT); INSERT INTO settings VALUES ('data', 'here');");
    assert_status(FNAS_ERR_INPUT, fnas_samples_forget(place->context, path));
    assert_message("no samples of a measurement");
    assert_status(FNAS_ERR_INPUT, fnas_samples_open(place->context, path, 2, settings, &samples));
    assert_message("no samples of a measurement");
    sqlite3 *base;
    char **cells;
    int rows;
    assert_int_equal(sqlite3_open(path, &base), SQLITE_OK);
    assert_int_equal(sqlite3_get_table(base, "SELECT value FROM settings", &cells, &rows, NULL, NULL), SQLITE_OK);
    assert_int_equal(rows, 1);
    assert_string_equal(cells[1], "here");
    sqlite3_free_table(cells);
    sqlite3_close(base);
}

static void cut(const char *path, off_t size) {
    assert_int_equal(truncate(path, size), 0);
}

static void write_samples(fnas_test_place *place, const char *path) {
    fnas_samples *samples;
    assert_status(FNAS_OK, fnas_samples_open(place->context, path, 2, settings, &samples));
    assert_status(FNAS_OK, fnas_samples_add(place->context, samples, (fnas_samples_turn){0, 0, 0}, &(fnas_sample){0, 1, NAN, NAN}));
    assert_status(FNAS_OK, fnas_samples_close(place->context, samples));
}

static void assert_forgotten(fnas_test_place *place, const char *path) {
    fnas_samples *samples;
    fnas_sample read;
    bool found;
    assert_status(FNAS_ERR_INPUT, fnas_samples_open(place->context, path, 2, settings, &samples));
    assert_status(FNAS_OK, fnas_samples_forget(place->context, path));
    assert_status(FNAS_OK, fnas_samples_open(place->context, path, 2, others, &samples));
    assert_status(FNAS_OK, fnas_samples_find(place->context, samples, (fnas_samples_turn){0, 0, 0}, &found, &read));
    assert_false(found);
    assert_status(FNAS_OK, fnas_samples_close(place->context, samples));
}

static void damaged_samples_are_begun_anew(void **state) {
    static const off_t sizes[] = {100, 2000, 4096, 5000, 9000};
    fnas_test_place *place = *state;
    const char *path = fnas_test_path(place, "s.sqlite");
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        (void)remove(path);
        write_samples(place, path);
        cut(path, sizes[i]);
        assert_forgotten(place, path);
    }
    (void)remove(path);
    write_samples(place, path);
    write_base(path, "DELETE FROM settings WHERE key = 'format'");
    assert_forgotten(place, path);
}

/* Bytes of the file, which must be as many as there are. */
static size_t read_all(const char *path, char bytes[1 << 16]) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t count = fread(bytes, 1, 1 << 16, file);
    fclose(file);
    assert_in_range(count, 1, (1 << 16) - 1);
    return count;
}

static void assert_refused_and_kept(fnas_test_place *place, const char *path) {
    static char before[1 << 16], after[1 << 16];
    fnas_samples *samples;
    size_t count = read_all(path, before);
    assert_status(FNAS_ERR_INPUT, fnas_samples_open(place->context, path, 2, settings, &samples));
    assert_message("no samples of a measurement");
    assert_status(FNAS_ERR_INPUT, fnas_samples_forget(place->context, path));
    assert_message("no samples of a measurement");
    assert_int_equal(read_all(path, after), count);
    assert_memory_equal(before, after, count);
}

static void a_base_of_others_is_left_alone(void **state) {
    fnas_test_place *place = *state;
    const char *path = fnas_test_path(place, "theirs.sqlite");
    write_base(path, "CREATE TABLE birds(name TEXT); INSERT INTO birds VALUES ('wren');");
    assert_refused_and_kept(place, path);
    cut(path, 5000); /* damaged, and still not ours */
    assert_refused_and_kept(place, path);
    path = fnas_test_path(place, "both.sqlite");
    write_samples(place, path);
    write_base(path, "CREATE TABLE birds(name TEXT);");
    assert_refused_and_kept(place, path);
}

/* A writer that is killed loses at most what it added in the last half second. */
static void a_killed_writer_leaves_its_samples(void **state) {
    fnas_test_place *place = *state;
    const char *path = fnas_test_path(place, "s.sqlite");
    fnas_samples *samples;
    fnas_sample read;
    bool found;
    pid_t child = fork();
    if (child == 0) {
        fnas_sample taken = {3, 2, NAN, NAN};
        if (fnas_samples_open(place->context, path, 2, settings, &samples) != FNAS_OK) _exit(1);
        for (int turn = 0; turn < 2; turn++) {
            usleep(600000);
            if (fnas_samples_add(place->context, samples, (fnas_samples_turn){0, 0, turn}, &taken) != FNAS_OK) _exit(1);
        }
        (void)!fnas_samples_add(place->context, samples, (fnas_samples_turn){0, 0, 2}, &taken);
        kill(getpid(), SIGKILL);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_status(FNAS_OK, fnas_samples_open(place->context, path, 2, settings, &samples));
    for (int turn = 0; turn < 2; turn++) {
        assert_status(FNAS_OK, fnas_samples_find(place->context, samples, (fnas_samples_turn){0, 0, turn}, &found, &read));
        assert_true(found && read.ms == 2);
    }
    assert_status(FNAS_OK, fnas_samples_close(place->context, samples));
}

int main(void) {
    const struct CMUnitTest tests[] = {fnas_test(what_was_added_is_found),
                                       fnas_test(another_measurement_is_refused),
                                       fnas_test(settings_without_samples_bind_nobody),
                                       fnas_test(what_is_forgotten_is_gone),
                                       fnas_test(samples_of_another_version_are_begun_anew),
                                       fnas_test(what_others_keep_is_not_thrown_away),
                                       fnas_test(damaged_samples_are_begun_anew),
                                       fnas_test(a_base_of_others_is_left_alone),
                                       fnas_test(a_killed_writer_leaves_its_samples),
                                       fnas_test(a_path_that_looks_like_a_uri_is_none)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
