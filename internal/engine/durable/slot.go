package durable

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"

	"github.com/google/uuid"

	"flowgate/internal/workflow"
	"flowgate/store"
)

// slotPrefix names slots: flowgate-1, flowgate-2, … A slot is the library's
// executor id, and stays with the runs it started. A new process takes the
// first slot whose holder is gone, so that a restart resumes its own runs.
const slotPrefix = "flowgate-"

const maxSlots = 10_000

// acquireSlot leases the first slot whose holder is gone.
func acquireSlot(ctx context.Context, o Options) (store.Lease, error) {
	host, pid := thisProcess()
	want := store.Lease{Holder: uuid.NewString(), Host: host, PID: pid}
	held, err := o.Leases.ListLeases(ctx, slotPrefix)
	if err != nil {
		return store.Lease{}, fmt.Errorf("durable: list slots: %w", err)
	}
	dead := make(map[string]*store.Lease)
	for _, l := range held {
		if diedHere(l) {
			dead[l.Name] = &l
		}
	}
	for n := 1; n <= maxSlots; n++ {
		want.Name = fmt.Sprint(slotPrefix, n)
		l, err := o.Leases.AcquireLease(ctx, want, o.TTL, dead[want.Name])
		if err == nil {
			return l, nil
		}
		if workflow.CodeOf(err) != workflow.CodeConflict {
			return store.Lease{}, fmt.Errorf("durable: acquire slot: %w", err)
		}
	}
	return store.Lease{}, errors.New("durable: no slot left")
}

// thisProcess names the host, with boot and pid namespace, such that a pid
// means the same process for all who see the same name; "" where unknown.
func thisProcess() (host string, pid int) {
	name, err := os.Hostname()
	if err != nil {
		return "", os.Getpid()
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", os.Getpid()
	}
	ns, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return "", os.Getpid()
	}
	return strings.Join([]string{name, strings.TrimSpace(string(boot)), ns}, "/"), os.Getpid()
}

// diedHere is true when the lease's holder ran on this host and is surely gone.
func diedHere(l store.Lease) bool {
	host, pid := thisProcess()
	if host == "" || l.Host != host || l.PID == pid || l.PID <= 0 {
		return false
	}
	p, err := os.FindProcess(l.PID)
	return err == nil && errors.Is(p.Signal(syscall.Signal(0)), os.ErrProcessDone)
}
