package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server in a process of its own.
type process struct {
	addr string
	cmd  *exec.Cmd
	done chan struct{}
	log  *os.File
}

// startProcess starts a server that tells its address on standard error behind
// marker, and waits until it has.
func startProcess(ctx context.Context, dir, marker string, command ...string) (*process, error) {
	log, err := os.CreateTemp(dir, "server-*.log")
	if err != nil {
		return nil, err
	}
	p := &process{cmd: exec.CommandContext(context.WithoutCancel(ctx), command[0], command[1:]...), done: make(chan struct{}), log: log}
	p.cmd.Dir = dir // no config.yaml of this repository
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "FLOWGATE_LOG_LEVEL=error",
		"RATE_LIMITS=app.general=1000000000/1h"} // counted as ever, and never used up
	out, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	address := make(chan string, 1)
	go func() {
		defer close(p.done)
		for in := bufio.NewScanner(out); in.Scan(); {
			fmt.Fprintln(log, in.Text())
			if _, rest, ok := strings.Cut(in.Text(), marker); ok {
				select {
				case address <- strings.TrimSpace(rest):
				default:
				}
			}
		}
		_ = p.cmd.Wait() // it was asked to end
	}()
	select {
	case p.addr = <-address:
		return p, nil
	case <-p.done:
		err = errors.New("it ended")
	case <-time.After(30 * time.Second):
		err = errors.New("it said no address")
	}
	p.stop()
	return nil, fmt.Errorf("start %s: %w: %s", command[0], err, p.said())
}

func (p *process) said() string {
	data, _ := os.ReadFile(p.log.Name())
	return string(data)
}

// stop ends the process and waits for it.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(25 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	_ = p.log.Close()
}

func (p *process) pid() int {
	if p == nil || p.cmd == nil {
		return os.Getpid()
	}
	return p.cmd.Process.Pid
}

// tick is the unit of CPU time in /proc on Linux.
const tick = 10 * time.Millisecond

// cpu is the time the process and its children used, ended ones included.
func (p *process) cpu() time.Duration {
	total := time.Duration(0)
	for _, pid := range family(p.pid()) {
		if f := statFields(pid); len(f) > 14 {
			for _, i := range []int{11, 12, 13, 14} { // utime, stime, and those of children that ended
				n, _ := strconv.Atoi(f[i])
				total += time.Duration(n) * tick
			}
		}
	}
	return total
}

// rss is the resident memory in bytes of the process alone, and with its
// children (pages they share counted for each).
func (p *process) rss() (own, family int64) {
	for i, pid := range familyOf(p) {
		data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
		if err != nil {
			continue
		}
		if f := strings.Fields(string(data)); len(f) > 1 {
			pages, _ := strconv.ParseInt(f[1], 10, 64)
			family += pages * int64(os.Getpagesize())
			if i == 0 {
				own = family
			}
		}
	}
	return own, family
}

// mapped is how much of rss, of the process alone, are pages of files, such as
// the program: the machine holds one copy and drops them when it needs room.
func (p *process) mapped() int64 {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", p.pid()))
	if err != nil {
		return 0
	}
	if f := strings.Fields(string(data)); len(f) > 2 {
		pages, _ := strconv.ParseInt(f[2], 10, 64)
		return pages * int64(os.Getpagesize())
	}
	return 0
}

// files and threads of the process.
func (p *process) files() int   { return entries(p.pid(), "fd") }
func (p *process) threads() int { return entries(p.pid(), "task") }

func entries(pid int, of string) int {
	list, _ := os.ReadDir(fmt.Sprintf("/proc/%d/%s", pid, of))
	return len(list)
}

func familyOf(p *process) []int { return family(p.pid()) }

// family is pid and the processes below it.
func family(pid int) []int {
	parents := map[int][]int{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		child, _ := strconv.Atoi(strings.Split(path, "/")[2])
		if f := statFields(child); len(f) > 1 {
			parent, _ := strconv.Atoi(f[1])
			parents[parent] = append(parents[parent], child)
		}
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, parents[all[i]]...)
	}
	return all
}

// statFields are the fields of /proc/PID/stat behind the name: state first.
func statFields(pid int) []string {
	f, err := os.Open(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return nil
	}
	defer f.Close()
	data, _ := io.ReadAll(f)
	_, rest, ok := strings.Cut(string(data), ") ")
	if !ok {
		return nil
	}
	return strings.Fields(rest)
}
