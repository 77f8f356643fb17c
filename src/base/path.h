/* Names of files: their parts. All are owned by the caller (fnas_free), NULL when out of memory. */
#ifndef FNAS_BASE_PATH_H
#define FNAS_BASE_PATH_H

char *fnas_path_join(const char *folder, const char *name); /* "folder/name" */
char *fnas_path_folder(const char *path);                   /* the part before the name, "." when there is none */

/* The name by which SQLite, too, opens this plain file: it takes what begins with "file:" for a URI. */
char *fnas_path_for_sqlite(const char *path);

#endif
