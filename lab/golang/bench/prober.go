// Command prober times system calls on files, one by one.
//
// prober OP LIST     nanoseconds of each call, one a line; the first line is the clock's own cost
// prober mark PATH   opens and closes PATH once, between two calls of getppid that a trace shows
//
// The calls are made raw, on one locked thread with the garbage collector off: what is timed is
// the kernel's work, the trap into it and one reading of the clock.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"syscall"
	"time"
	"unsafe"
)

const atFdcwd = -100

func main() {
	runtime.LockOSThread()
	debug.SetGCPercent(-1)
	if len(os.Args) != 3 {
		fail("usage: prober OP LIST")
	}
	if os.Args[1] == "mark" {
		mark(pointer(os.Args[2]))
		return
	}
	text, err := os.ReadFile(os.Args[2])
	if err != nil {
		fail(err.Error())
	}
	names := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	paths := make([]*byte, len(names))
	for place, name := range names {
		paths[place] = pointer(name)
	}
	call, ok := map[string]func(*byte) (time.Duration, syscall.Errno){
		"stat": stat, "openat": open, "read": read, "readdir": readdir,
	}[os.Args[1]]
	if !ok {
		fail("OP is stat, openat, read or readdir")
	}
	took := make([]time.Duration, len(paths))
	for place, path := range paths {
		var errno syscall.Errno
		if took[place], errno = call(path); errno != 0 {
			fail(names[place] + ": " + errno.Error())
		}
	}
	out := bufio.NewWriter(os.Stdout)
	fmt.Fprintln(out, clock().Nanoseconds())
	for _, each := range took {
		fmt.Fprintln(out, each.Nanoseconds())
	}
	if err := out.Flush(); err != nil {
		fail(err.Error())
	}
}

var buffer = make([]byte, 1<<20)

func stat(path *byte) (time.Duration, syscall.Errno) {
	var facts syscall.Stat_t
	at := atFdcwd
	begun := time.Now()
	_, _, errno := syscall.RawSyscall6(statNumber, uintptr(at), uintptr(unsafe.Pointer(path)),
		uintptr(unsafe.Pointer(&facts)), 0, 0, 0)
	return time.Since(begun), errno
}

func open(path *byte) (time.Duration, syscall.Errno) {
	begun := time.Now()
	fd, errno := openFlags(path, 0)
	took := time.Since(begun)
	return took, closed(fd, errno)
}

func read(path *byte) (time.Duration, syscall.Errno) {
	fd, errno := openFlags(path, 0)
	if errno != 0 {
		return 0, errno
	}
	begun := time.Now()
	_, _, errno = syscall.RawSyscall(syscall.SYS_READ, fd, uintptr(unsafe.Pointer(&buffer[0])),
		uintptr(len(buffer)))
	took := time.Since(begun)
	if errno != 0 {
		closed(fd, 0)
		return 0, errno
	}
	return took, closed(fd, 0)
}

// readdir is the whole listing of a folder: getdents64 until it gives nothing more.
func readdir(path *byte) (time.Duration, syscall.Errno) {
	fd, errno := openFlags(path, syscall.O_DIRECTORY)
	if errno != 0 {
		return 0, errno
	}
	begun := time.Now()
	for count := uintptr(1); count > 0 && errno == 0; {
		count, _, errno = syscall.RawSyscall(syscall.SYS_GETDENTS64, fd,
			uintptr(unsafe.Pointer(&buffer[0])), uintptr(len(buffer)))
	}
	took := time.Since(begun)
	if errno != 0 {
		closed(fd, 0)
		return 0, errno
	}
	return took, closed(fd, 0)
}

func openFlags(path *byte, flags int) (uintptr, syscall.Errno) {
	at := atFdcwd
	fd, _, errno := syscall.RawSyscall6(syscall.SYS_OPENAT, uintptr(at),
		uintptr(unsafe.Pointer(path)), uintptr(flags|syscall.O_RDONLY|syscall.O_CLOEXEC), 0, 0, 0)
	return fd, errno
}

func closed(fd uintptr, errno syscall.Errno) syscall.Errno {
	if errno == 0 {
		_, _, errno = syscall.RawSyscall(syscall.SYS_CLOSE, fd, 0, 0)
	}
	return errno
}

func mark(path *byte) {
	syscall.RawSyscall(syscall.SYS_GETPPID, 0, 0, 0)
	fd, errno := openFlags(path, 0)
	syscall.RawSyscall(syscall.SYS_GETPPID, 0, 0, 0)
	if closed(fd, errno) != 0 {
		fail(errno.Error())
	}
}

// clock is the median-like cost of reading the clock twice: the least of many tries.
func clock() time.Duration {
	least := time.Hour
	for turn := 0; turn < 1000; turn++ {
		begun := time.Now()
		least = min(least, time.Since(begun))
	}
	return least
}

func pointer(name string) *byte {
	path, err := syscall.BytePtrFromString(name)
	if err != nil {
		fail(err.Error())
	}
	return path
}

func fail(text string) {
	fmt.Fprintln(os.Stderr, "prober: "+text)
	os.Exit(1)
}
