package cmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/coreos/go-systemd/v22/daemon"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// serveMount is `mount --foreground`: for service managers, which it tells of its state
// (sd_notify(3)), and for containers.
func (c *cli) serveMount(ctx context.Context, app *backend.App, req backend.MountRequest) error {
	if err := c.endless("--foreground"); err != nil {
		return err
	}
	log, ok := c.err.(*os.File)
	if !ok {
		return fault.New(fault.Usage, "", "standard error is not a file")
	}
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
	defer signal.Stop(signals)
	passed := make(chan os.Signal)
	done := make(chan struct{})
	defer close(done)

	c.say("Mounting %s ...", req.Mountpoint)
	return app.ServeMount(ctx, req, mounts.Foreground{
		Log: log, Signals: passed,
		Ready: func(s mounts.Status) {
			notifyManager(daemon.SdNotifyReady + "\nSTATUS=" + s.Workspace + " is mounted at " + s.Mountpoint)
			c.did(s, func(out io.Writer) { fmt.Fprintf(out, "Mounted %s at %s\n", s.Workspace, s.Mountpoint) })
			go func() { // one that came before the mount was ready has given it up
				for {
					select {
					case sig := <-signals:
						notifyManager(daemon.SdNotifyStopping + "\nSTATUS=draining")
						select {
						case passed <- sig:
						case <-done:
							return
						}
					case <-done:
						return
					}
				}
			}()
		},
	})
}

// notifyManager tells a service manager, where one started us and listens.
func notifyManager(state string) { _, _ = daemon.SdNotify(false, state) }
