package embedded

import (
	"context"
	"errors"
	"time"

	"golang.org/x/sys/unix"
)

// ended waits until process pid, which is not our child, is gone: kqueue(2) tells.
func ended(ctx context.Context, pid int) error {
	queue, err := unix.Kqueue()
	if err != nil {
		return err
	}
	defer unix.Close(queue)
	unix.CloseOnExec(queue)
	exit := []unix.Kevent_t{{Ident: uint64(pid), Filter: unix.EVFILT_PROC, Flags: unix.EV_ADD, Fflags: unix.NOTE_EXIT}}
	tick := unix.NsecToTimespec((100 * time.Millisecond).Nanoseconds())
	for events := make([]unix.Kevent_t, 1); ; {
		n, err := unix.Kevent(queue, exit, events, &tick)
		switch {
		case errors.Is(err, unix.ESRCH), n > 0:
			return nil
		case err != nil && !errors.Is(err, unix.EINTR):
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		}
		exit = nil // it is registered
	}
}
