//go:build linux

package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/internal/benchpage"
)

// memory is the resident memory of a process, in bytes: the most there was, and now.
func memory(pid int) (peak, now int64) {
	of := func(name string) int64 {
		kib, _ := strconv.ParseInt(strings.TrimSuffix(benchpage.Field(fmt.Sprintf("/proc/%d/status", pid), name), " kB"), 10, 64)
		return kib << 10
	}
	return of("VmHWM"), of("VmRSS")
}

// work is what a process has done so far.
type work struct {
	cpu   time.Duration
	wakes int64 // how often one of its threads went to sleep, and so was woken
}

// worked sums up the threads: Go ends none of them. The kernel's clock for this has nanoseconds;
// that of /proc/PID/stat has hundredths of a second, of which an idle half minute has too few.
func worked(pid int) (w work) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*", pid))
	for _, dir := range threads {
		data, _ := os.ReadFile(filepath.Join(dir, "schedstat"))
		running, _, _ := strings.Cut(string(data), " ")
		ns, _ := strconv.ParseInt(running, 10, 64)
		wakes, _ := strconv.ParseInt(benchpage.Field(filepath.Join(dir, "status"), "voluntary_ctxt_switches"), 10, 64)
		w.cpu += time.Duration(ns)
		w.wakes += wakes
	}
	return w
}

// coordinator is the process of the one that was started below home, or 0.
func coordinator(home string) int {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		env, _ := os.ReadFile(file)
		args, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
		if strings.Contains("\x00"+string(env), "\x00HOME="+home+"\x00") && strings.Contains(string(args), "\x00coordinator\x00") {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(file)))
			return pid
		}
	}
	return 0
}
