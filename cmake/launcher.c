/* Starts the s3flow of the portable bundle: BUNDLE/bin/s3flow.
 *
 * The bundle brings its dynamic linker and libraries, so that it does not depend on the system's. A program
 * names its dynamic linker by an absolute path, which a bundle that can lie anywhere does not have. So this
 * program, which is linked statically, starts the bundle's dynamic linker with the real program (ld.so(8)).
 * It is no script, because a container may have no shell. It sets no variable of the environment, so that
 * programs that s3flow starts (credential_process) use the system's libraries. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#define LIBRARIES "/lib/s3flow"

/* Stores the folder of the bundle. Symbolic links to the launcher are followed. Returns 0, or -1 with errno.
 */
static int FindBundle(char* folder) {
  char own[PATH_MAX] = "";
  const ssize_t size = readlink("/proc/self/exe", own, sizeof(own) - 1);
  /* Without /proc: the path that execve(2) was called with. */
  if (size < 0) {
    const char* const started = (const char*)getauxval(AT_EXECFN);
    if (started == NULL || realpath(started, own) == NULL) return -1;
  }
  for (int level = 0; level < 2; ++level) { /* the folder of the launcher, then the one above */
    char* const slash = strrchr(own, '/');
    if (slash == NULL) {
      errno = ENOENT;
      return -1;
    }
    *slash = '\0';
  }
  strcpy(folder, own);
  return 0;
}

int main(int argc, char** argv) {
  static char folder[PATH_MAX], libraries[PATH_MAX + 16], linker[PATH_MAX + 64], program[PATH_MAX + 64];
  if (FindBundle(folder) != 0) {
    fprintf(stderr, "s3flow: cannot find the folder of the portable bundle: %s\n", strerror(errno));
    return 71;
  }
  snprintf(libraries, sizeof(libraries), "%s" LIBRARIES, folder);
  snprintf(linker, sizeof(linker), "%s/ld-linux-x86-64.so.2", libraries);
  snprintf(program, sizeof(program), "%s/s3flow", libraries);
  /* --inhibit-cache: the system's libraries may be newer or older than the bundle's libc. --library-path also
   * replaces LD_LIBRARY_PATH, which modules of HPC sites set. */
  char* const first[] = {
      linker,    "--argv0", argc > 0 ? argv[0] : "s3flow", "--inhibit-cache", "--library-path",
      libraries, program};
  const size_t count = sizeof(first) / sizeof(first[0]);
  char** const arguments = calloc(count + (size_t)argc + 1, sizeof(char*));
  if (arguments == NULL) {
    fprintf(stderr, "s3flow: no memory left\n");
    return 71;
  }
  memcpy(arguments, first, sizeof(first));
  for (int i = 1; i < argc; ++i) arguments[count + (size_t)i - 1] = argv[i];
  execv(linker, arguments);
  fprintf(stderr, "s3flow: %s: %s; unpack the whole portable bundle, and keep its folders together\n", linker,
          strerror(errno));
  return 71;
}
