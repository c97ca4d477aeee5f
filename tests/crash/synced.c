/* Keeps what was durable: at every fsync or fdatasync of a file inside SYNCED_FROM a copy of it goes
 * to SYNCED_TO, whole or not at all. Loaded into the server with LD_PRELOAD by the WAL cutter.
 *
 * The copy is taken before the system is asked: what is written meanwhile is not promised. With
 * SYNCED_LIE set nothing is kept, as on a disk that answers before it has written. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pthread_mutex_t one_at_a_time = PTHREAD_MUTEX_INITIALIZER;

/* Read through the caller's descriptor: opening the file a second time and closing it again would
 * drop the locks that SQLite holds on it. */
static void copy(int fd, const char *name, const char *to) {
    char part[4096], whole[4096], bytes[65536];
    snprintf(part, sizeof part, "%s/%s.part", to, name);
    snprintf(whole, sizeof whole, "%s/%s", to, name);
    int out = open(part, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (out < 0) abort();
    off_t at = 0;
    ssize_t got;
    while ((got = pread(fd, bytes, sizeof bytes, at)) > 0) {
        for (ssize_t done = 0; done < got;) {
            ssize_t put = write(out, bytes + done, got - done);
            if (put < 0) abort();
            done += put;
        }
        at += got;
    }
    close(out);
    if (rename(part, whole) != 0) abort();
}

static void keep(int fd) {
    const char *from = getenv("SYNCED_FROM"), *to = getenv("SYNCED_TO");
    if (!from || !to || getenv("SYNCED_LIE")) return;
    if ((fcntl(fd, F_GETFL) & O_ACCMODE) == O_WRONLY) return;
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return;
    path[length] = 0;
    struct stat what;
    if (fstat(fd, &what) != 0 || !S_ISREG(what.st_mode)) return;
    if (strncmp(path, from, strlen(from)) != 0) return;
    pthread_mutex_lock(&one_at_a_time);
    copy(fd, strrchr(path, '/') + 1, to);
    pthread_mutex_unlock(&one_at_a_time);
}

int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
    keep(fd);
    return real(fd);
}

int fdatasync(int fd) {
    static int (*real)(int);
    if (!real) real = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
    keep(fd);
    return real(fd);
}
