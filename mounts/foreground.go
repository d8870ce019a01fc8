package mounts

import (
	"context"
	"os"
	"syscall"

	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
)

// Foreground is how a mount is served that ends with the one who asked for it.
type Foreground struct {
	Log     *os.File // where the mount process writes its log
	Ready   func(Status)
	Signals <-chan os.Signal // passed on: the first ends the mount and drains it, the second ends the draining
}

// Serve mounts as Mount does, calls Ready when the mount is usable, and returns when it is
// gone and drained: an unmount by anyone, or the first of the signals. fault.Pending: some of
// it is kept for the next mount. The mount process ends when this one dies. Ending ctx gives
// the mount up while it is not ready, and means nothing after that.
func (m *Manager) Serve(ctx context.Context, spec Spec, creds keyring.Credentials, fg Foreground) error {
	start, err := m.prepare(ctx, spec, creds)
	if err != nil {
		return err
	}
	if err := m.makeFolders(start.Spec.ID); err != nil {
		return err
	}
	p, err := m.spawn(start, fg.Log)
	if err != nil {
		return err
	}
	defer p.answers.Close()
	defer p.start.Close() // which the process takes for our end, however that comes
	status, err := p.ready(ctx, start)
	if err != nil {
		<-p.ended
		return err
	}
	fg.Ready(status)
	go func() {
		for {
			select {
			case s := <-fg.Signals:
				if s != syscall.SIGINT {
					s = syscall.SIGTERM
				}
				_ = p.cmd.Process.Signal(s)
			case <-p.ended:
				return
			}
		}
	}()
	last, told := readAnswer(p.answers)
	<-p.ended
	switch {
	case told && last.Error != nil:
		return last.Error.Fault()
	case !told:
		return fault.New(fault.Failure, "run the same command again: what was written and closed is kept",
			"the mount process ended without saying why%s", p.exitState())
	}
	return nil
}
