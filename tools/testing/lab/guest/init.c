// SPDX-License-Identifier: GPL-2.0-only
/*
 * init - first program of the guest
 *
 * The guest's root is the lab's own root, read-only over virtiofs.  This puts an
 * overlay in memory on top of it, mounts the kernel's file systems, names the
 * virtio serial ports as udev would, and goes on as guest/session.  It is a C
 * program because each process that a script starts costs 0.1 s under TCG.
 *
 * If the kernel was given an archive with all that is needed (host/memory_archive.py),
 * that is the root as it is.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "events.h"

#define NEW_ROOT	"/run/root"
#define SESSION		"/mnt/src/tools/testing/lab/guest/session"
#define PORTS_GLOB	"/sys/class/virtio-ports/*"
/* only an archive in memory has it there from the start */
#define MEMORY_ROOT_MARK "/mnt/lab/command"
/* ttyS0 to ttyS3 are the system's own */
#define SERIAL_FIRST_LINE 4
#define PORTS_WAIT_MS	30000

struct mount_entry {
	const char *source;
	const char *type;
	const char *target;
	unsigned long flags;
	const char *data;
};

/*
 * Checkout, results and settings are mounts of the host, which an overlay does not
 * follow: they lie aside, in /media of the lower root.
 */
static const struct mount_entry root_mounts[] = {
	{ "overlay", "overlay", NEW_ROOT, 0,
	  "lowerdir=/,upperdir=/run/upper,workdir=/run/work" },
	{ "/media/src", NULL, NEW_ROOT "/mnt/src", MS_BIND, NULL },
	{ "/media/out", NULL, NEW_ROOT "/mnt/out", MS_BIND, NULL },
	{ "/media/lab", NULL, NEW_ROOT "/mnt/lab", MS_BIND, NULL },
	{ "tmpfs", "tmpfs", NEW_ROOT "/media", 0, NULL },
	{ "tmpfs", "tmpfs", NEW_ROOT "/run", 0, "mode=755" },
};

static const struct mount_entry run_mount = { "tmpfs", "tmpfs", "/run", 0, "mode=755" };

static const struct mount_entry base_mounts[] = {
	{ "devtmpfs", "devtmpfs", "/dev", 0, NULL },
	{ "proc", "proc", "/proc", 0, NULL },
	{ "sysfs", "sysfs", "/sys", 0, NULL },
	{ "tmpfs", "tmpfs", "/tmp", 0, NULL },
};

static const struct mount_entry kernel_mounts[] = {
	{ "devpts", "devpts", "/dev/pts", 0, "mode=620,ptmxmode=666" },
	{ "tmpfs", "tmpfs", "/dev/shm", 0, NULL },
	{ "debugfs", "debugfs", "/sys/kernel/debug", 0, NULL },
	{ "tracefs", "tracefs", "/sys/kernel/tracing", 0, NULL },
	{ "bpf", "bpf", "/sys/fs/bpf", 0, NULL },
	{ "cgroup2", "cgroup2", "/sys/fs/cgroup", 0, NULL },
};

static const char *const run_dirs[] = {
	"/dev/pts", "/dev/shm", "/dev/virtio-ports", "/run/netns", "/run/lock",
};

static const char *const dev_links[][2] = {
	{ "/proc/self/fd", "/dev/fd" },
	{ "/proc/self/fd/0", "/dev/stdin" },
	{ "/proc/self/fd/1", "/dev/stdout" },
	{ "/proc/self/fd/2", "/dev/stderr" },
};

/* The panic that follows ends the guest, and the console log tells why. */
static void die(const char *what, const char *which)
{
	fprintf(stderr, "lab: init: %s %s: %s\n", what, which, strerror(errno));
	exit(1);
}

static void mount_one(const struct mount_entry *m)
{
	if (mount(m->source, m->target, m->type, m->flags, m->data))
		die("mount", m->target);
}

static void make_dir(const char *path)
{
	if (mkdir(path, 0755) && errno != EEXIST)
		die("mkdir", path);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die("write", path);
	close(fd);
}

static void load_overlay(void)
{
	int fd = open("/media/lab/overlay.ko", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return; /* built in */
	if (syscall(SYS_finit_module, fd, "", 0) && errno != EEXIST)
		die("load", "overlay.ko");
	close(fd);
}

static void change_root(void)
{
	mount_one(&run_mount);
	make_dir("/run/upper");
	make_dir("/run/work");
	make_dir(NEW_ROOT);
	load_overlay();
	for (size_t i = 0; i < ARRAY_SIZE(root_mounts); i++)
		mount_one(&root_mounts[i]);
	make_dir(NEW_ROOT "/run/lower");
	if (chdir(NEW_ROOT) || syscall(SYS_pivot_root, ".", "run/lower") || chroot(".") ||
	    umount2("/run/lower", MNT_DETACH) || rmdir("/run/lower"))
		die("pivot_root", NEW_ROOT);
}

static void name_port(const char *dir)
{
	char path[512], name[128] = "", link_path[256], target[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/name", dir);
	file = fopen(path, "re");
	if (!file)
		return; /* a console port has no name */
	if (fscanf(file, "%127s", name) == 1 && !strchr(name, '/')) {
		snprintf(link_path, sizeof(link_path), "/dev/virtio-ports/%s", name);
		snprintf(target, sizeof(target), "../%s", strrchr(dir, '/') + 1);
		if (symlink(target, link_path))
			die("symlink", link_path);
	}
	fclose(file);
}

/* Output that nobody changes on its way, and no echo */
static void make_raw(const char *path)
{
	int fd = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	struct termios tio;

	/* a line without hardware behind it can be opened, but has no settings */
	if (fd < 0 || tcgetattr(fd, &tio))
		die("serial port", path);
	cfmakeraw(&tio);
	cfsetspeed(&tio, B115200);
	tio.c_cflag |= CLOCAL | CREAD;
	if (tcsetattr(fd, TCSANOW, &tio))
		die("serial port", path);
	close(fd);
}

/* Serial ports of PCI devices, in their order; the system's own come first */
static void name_serial_ports(char *names)
{
	char link_path[256], target[32], path[64];
	int line = SERIAL_FIRST_LINE;

	for (char *name = strtok(names, ","); name; name = strtok(NULL, ","), line++) {
		snprintf(target, sizeof(target), "../ttyS%d", line);
		snprintf(path, sizeof(path), "/dev/ttyS%d", line);
		snprintf(link_path, sizeof(link_path), "/dev/virtio-ports/%s", name);
		make_raw(path);
		if (symlink(target, link_path))
			die("symlink", link_path);
	}
}

/* A word of the kernel's command line; names with a dot do not come as environment */
static bool find_arg(const char *name, char *value, size_t size)
{
	char line[4096] = "";
	FILE *file = fopen("/proc/cmdline", "re");
	bool found = false;

	if (!file || !fgets(line, sizeof(line), file))
		die("read", "/proc/cmdline");
	fclose(file);
	line[strcspn(line, "\n")] = '\0';
	for (char *word = strtok(line, " "); word && !found; word = strtok(NULL, " ")) {
		size_t len = strlen(name);

		found = !strncmp(word, name, len) && word[len] == '=';
		if (found)
			snprintf(value, size, "%s", word + len + 1);
	}
	return found;
}

static void name_ports(size_t count)
{
	static char pattern[] = PORTS_GLOB "/name";
	static char *const args[] = { pattern };
	struct condition cond = {
		.holds = paths_exist, .args = args, .num_args = 1, .count = count,
	};
	glob_t found;

	if (wait_for(&cond, PORTS_WAIT_MS) || glob(PORTS_GLOB, 0, NULL, &found)) {
		errno = ENODEV;
		die("ports", PORTS_GLOB);
	}
	for (size_t i = 0; i < found.gl_pathc; i++)
		name_port(found.gl_pathv[i]);
	globfree(&found);
}

int main(void)
{
	static char *const argv[] = { SESSION, NULL };
	static char *const env[] = {
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8", "HOME=/root",
		"TERM=linux", NULL,
	};
	char value[512];

	if (access(MEMORY_ROOT_MARK, F_OK))
		change_root();
	else
		mount_one(&run_mount);
	for (size_t i = 0; i < ARRAY_SIZE(base_mounts); i++)
		mount_one(&base_mounts[i]);
	for (size_t i = 0; i < ARRAY_SIZE(run_dirs); i++)
		make_dir(run_dirs[i]);
	for (size_t i = 0; i < ARRAY_SIZE(kernel_mounts); i++)
		mount_one(&kernel_mounts[i]);
	for (size_t i = 0; i < ARRAY_SIZE(dev_links); i++)
		if (symlink(dev_links[i][0], dev_links[i][1]) && errno != EEXIST)
			die("symlink", dev_links[i][1]);
	if (find_arg("lab.serial", value, sizeof(value)))
		name_serial_ports(value);
	if (find_arg("lab.ports", value, sizeof(value)))
		name_ports(strtoul(value, NULL, 10));
	write_file("/proc/sys/kernel/hung_task_timeout_secs", "60");
	sethostname("wto-lab", strlen("wto-lab"));
	execve(SESSION, argv, env);
	die("exec", SESSION);
}
