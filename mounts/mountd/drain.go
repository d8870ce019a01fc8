package mountd

import (
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// lingering bounds the wait for open files after a lazy detach.
const lingering = 10 * time.Second

// held bounds the wait for other mount namespaces that have the mount, too: of a program that
// has just been started in one, and is about to let go of it.
const held = 30 * time.Second

// run serves until the mount is gone, then drains. What ends it: an unmount through the
// socket, fusermount3 -u by anyone, a signal (SPEC C5), or the end of who asked for it; a
// second signal ends the draining and keeps the rest for the next mount. The error is
// fault.Pending then.
func (d *daemon) run(signals <-chan os.Signal, orphaned <-chan struct{}) error {
	server := d.serve()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	select {
	case <-d.detached:
	case s := <-signals:
		d.log.Info("stopping", "signal", s.String())
		d.draining.Store(true)
		d.detachNow()
	case <-orphaned:
		d.log.Info("stopping, who asked for the mount is gone")
		d.draining.Store(true)
		d.detachNow()
	}
	d.draining.Store(true)
	go func() {
		select {
		case s := <-signals:
			d.log.Warn("stopping without waiting for uploads", "signal", s.String())
			cancel()
		case <-ctx.Done():
		}
	}()
	err := d.drain(ctx)
	d.left = d.drainState()
	d.closeLayers()
	if err == nil {
		if ferr := mounts.ForgetSpec(d.start.Roots, d.start.Spec.ID); ferr != nil {
			d.log.Warn("noting that everything is in the store", "err", ferr)
		}
	}
	d.result = err
	// Who hears that it has ended meets no process there any more.
	_ = d.socket.Close()
	close(d.finished)
	// Who watches the draining reads its last line before the process is gone.
	bound, done := context.WithTimeout(context.Background(), 5*time.Second)
	defer done()
	_ = server.Shutdown(bound)
	return err
}

// drain waits for the queue. The time an unmount allows counts from when it was asked.
func (d *daemon) drain(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		var over <-chan time.Time
		for {
			select {
			case limit := <-d.asked:
				if limit > 0 {
					over = time.After(limit)
				}
			case <-over:
				cancel()
				return
			case <-ctx.Done():
				return
			}
		}
	}()
	begin := time.Now()
	err := d.upper.Drain(ctx)
	left := d.drainState()
	d.log.Info("drained", "took", since(begin), "queued", left.Queued, "in_progress", left.InProgress, "failed", left.Failed)
	if left.Pending() > 0 {
		return d.pending(left)
	}
	if err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// pending says what is left, by name where it is known (SPEC D1).
func (d *daemon) pending(left mounts.Drain) error {
	const named = 3
	var names []string
	for _, f := range left.Failures[:min(named, len(left.Failures))] {
		names = append(names, f.Path+" ("+f.Reason+")")
	}
	if len(names) == 0 {
		names = d.upper.Waiting(named)
	}
	text := strings.Join(names, ", ")
	if text != "" {
		text = ": " + text
		if left.Pending() > len(names) {
			text += " and more"
		}
	}
	spec := d.start.Spec
	return fault.New(fault.Pending, "it is kept; 'artifacts mount "+spec.Workspace+" "+spec.Mountpoint+"' uploads it",
		"%d changes are not in the store yet%s", left.Pending(), text)
}

// unmount detaches, as umount(8) does: never under the hands of programs that use it.
func (d *daemon) unmount() error {
	d.detach.Lock()
	defer d.detach.Unlock()
	if d.isDetached() {
		return nil
	}
	err := unmountOnce(d.start.Spec.Mountpoint, false)
	switch {
	case err == nil:
	case errors.Is(err, unix.EBUSY):
		return d.busy()
	case errors.Is(err, unix.EINVAL): // not a mount point any more: someone was faster
	default:
		return fault.Wrap(fault.Failure, err, "", "cannot unmount %s", d.start.Spec.Mountpoint)
	}
	d.draining.Store(true)
	select {
	case <-d.detached:
	case <-time.After(held):
		return fault.New(fault.Failure, "a container that was started meanwhile may keep it: stop that, or try again", "the kernel still holds the mount at %s", d.start.Spec.Mountpoint)
	}
	return nil
}

func (d *daemon) busy() error {
	path := d.start.Spec.Mountpoint
	hint := "close what uses it and try again, or detach it all the same with --lazy"
	if n := d.drainState().OpenFiles; n > 0 {
		return fault.New(fault.Conflict, hint, "%s is in use; open files: %d", path, n)
	}
	return fault.New(fault.Conflict, hint, "%s is in use, perhaps as the working directory of a shell", path)
}

// detachLazily takes the mount out of the tree although programs use it: they go on, and
// what they close is uploaded, until the last file is closed.
func (d *daemon) detachLazily() error {
	d.detach.Lock()
	defer d.detach.Unlock()
	if d.isDetached() || d.draining.Load() {
		return nil
	}
	if !lingers {
		return fault.New(fault.Usage, "close what uses it and unmount it without --lazy",
			"this system cannot detach %s and go on serving the files that are open", d.start.Spec.Mountpoint)
	}
	err := unmountOnce(d.start.Spec.Mountpoint, true)
	if err != nil && !errors.Is(err, unix.EINVAL) { // EINVAL: someone was faster
		return fault.Wrap(fault.Failure, err, "", "cannot detach %s", d.start.Spec.Mountpoint)
	}
	d.draining.Store(true)
	return nil
}

// detachNow is for signals, where nobody can be asked to close files: the mount leaves
// the tree at once, and open files have a moment to be closed.
func (d *daemon) detachNow() {
	d.detach.Lock()
	defer d.detach.Unlock()
	if d.isDetached() {
		return
	}
	path := d.start.Spec.Mountpoint
	if err := unmountOnce(path, false); err != nil {
		d.log.Warn("detaching while in use", "err", err)
		if err := unmountOnce(path, true); err != nil {
			d.log.Error("cannot detach", "err", err)
		}
	}
	select {
	case <-d.detached:
	case <-time.After(lingering):
		d.log.Warn("files are still open; what is not closed is not uploaded", "open", d.drainState().OpenFiles)
	}
}

func (d *daemon) isDetached() bool {
	select {
	case <-d.detached:
		return true
	default:
		return false
	}
}
