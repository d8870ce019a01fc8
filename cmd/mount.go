package cmd

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/mounts/mountd"
)

func (c *cli) mountCommand() *cobra.Command {
	req := backend.MountRequest{}
	cmd := &cobra.Command{
		Use:   "mount NAME MOUNTPOINT",
		Short: "Mount a workspace",
		Long: "Mounts a workspace at an empty directory and returns when it is usable. The mount is served by a process\n" +
			"of its own that goes on after this command. What a program writes and closes is safe on this machine at\n" +
			"once and in the bucket soon after; `unmount` waits for that.",
		Example: c.examples("mount notes /mnt/work", "", "mount notes /mnt/work --read-only", "", "mount list", ""),
		Args:    exactArgs("NAME", "MOUNTPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Workspace, req.Mountpoint = args[0], args[1]
			app, err := c.app()
			if err != nil {
				return err
			}
			return c.mount(cmd.Context(), app, req)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&req.ReadOnly, "read-only", false, "refuse every change; for a managed workspace the store refuses them too")
	f.BoolVar(&req.CreateDir, "create", false, "make the mountpoint where it is missing")
	f.DurationVar(&req.Options.WriteBack, "write-back", 0, "how long after its close a file is uploaded (default 300ms)")
	f.DurationVar(&req.Options.DirCache, "dir-cache", 0, "how long a listing is believed (default 30s)")
	f.DurationVar(&req.Options.StoreTimeout, "store-timeout", 0, "how long a program waits for a store that says nothing (default 30s)")
	f.Var((*sizeFlag)(&req.Options.StagingMax), "staging-max", "disk space for what is not uploaded yet, such as 20GB (default: max(5%, 1GiB) of the disk stays free)")
	f.BoolVar(&req.Options.SyncOnClose, "sync-on-close", false, "close and fsync return only when the object is in the bucket; a failed upload is their error")
	f.IntVar(&req.Options.Uploads, "uploads", 0, "changes that travel to the store at the same time (default 16 to 64, as it takes them)")
	cmd.AddCommand(&cobra.Command{
		Use: "list", Short: "List mounts", Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error { return c.listMounts(cmd.Context()) },
	}, c.refreshCommand(), c.repairCommand(), c.quarantineCommand())
	return cmd
}

// sizeFlag is a number of bytes, written as SPEC B22 has it.
type sizeFlag int64

// Set implements pflag.Value.
func (s *sizeFlag) Set(text string) error {
	n, err := coordinator.ParseSize(text)
	if err == nil && n <= 0 {
		err = fault.New(fault.Usage, "write it as 20GB or a number of bytes", "%q is no room for anything", text)
	}
	*s = sizeFlag(n)
	return err
}

// String implements pflag.Value; nothing is shown as the default.
func (s *sizeFlag) String() string { return "" }

// Type implements pflag.Value.
func (s *sizeFlag) Type() string { return "size" }

func (c *cli) mount(ctx context.Context, app *backend.App, req backend.MountRequest) error {
	c.say("Mounting %s ...", req.Mountpoint)
	s, err := app.Mount(ctx, req)
	if err != nil {
		return err
	}
	c.print(s, func(out io.Writer) {
		if !c.quiet {
			fmt.Fprintf(out, "Mounted %s at %s\n", s.Workspace, s.Mountpoint)
		}
	})
	return nil
}

func (c *cli) listMounts(ctx context.Context) error {
	app, err := c.app()
	if err != nil {
		return err
	}
	list, err := app.Mounts(ctx)
	if err != nil {
		return err
	}
	if list == nil {
		list = []mounts.Status{}
	}
	c.print(list, func(out io.Writer) { c.mountTable(out, list) })
	return nil
}

func (c *cli) mountTable(out io.Writer, list []mounts.Status) {
	if len(list) == 0 {
		fmt.Fprintf(out, "Nothing is mounted; `%s mount NAME MOUNTPOINT` mounts a workspace.\n", c.name)
		return
	}
	rows := make([][]string, len(list))
	for i, m := range list {
		health := string(m.Health)
		if m.Reason != "" {
			health += ": " + m.Reason
		}
		rows[i] = []string{
			m.Mountpoint, m.Workspace, health, size(m.BytesRead), size(m.BytesWritten),
			fmt.Sprint(m.Queued + m.InProgress), fmt.Sprint(m.Failed),
		}
	}
	table(out, []string{"MOUNTPOINT", "WORKSPACE", "HEALTH", "READ", "WRITTEN", "PENDING", "FAILED"}, rows)
}

func (c *cli) refreshCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "refresh MOUNTPOINT[/DIRECTORY]",
		Short: "Make a mount look for changes in the bucket now",
		Long: "Forgets the listings of a mount, or of a directory in it and all below. What others changed in the bucket\n" +
			"shows a second later, however long --dir-cache is. What is still to be uploaded is not touched.",
		Example: c.examples("mount refresh /mnt/work", "", "mount refresh /mnt/work/incoming", ""),
		Args:    exactArgs("MOUNTPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			r, err := app.Refresh(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			c.print(r, func(out io.Writer) {
				if !c.quiet {
					fmt.Fprintln(out, "refreshed: "+filepath.Join(r.Mountpoint, r.Path))
				}
			})
			return nil
		},
	}
}

func (c *cli) unmountCommand() *cobra.Command {
	var opt mounts.UnmountOptions
	cmd := &cobra.Command{
		Use:     "unmount MOUNTPOINT",
		Aliases: []string{"umount"},
		Short:   "Unmount a workspace and wait until the store has every write",
		Long: "Detaches the mount, uploads what is still on this machine and proves that nothing is left. What cannot be\n" +
			"uploaded within --timeout is kept, named, and taken up by the next mount (exit code 8). A mount that\n" +
			"programs use is refused and they are named (exit code 5); --lazy detaches it all the same, and its process\n" +
			"goes on until their last file is closed and everything is in the bucket.",
		Example: c.examples("unmount /mnt/work", "", "unmount /mnt/work --timeout 30s", "", "unmount /mnt/work --lazy", ""),
		Args:    exactArgs("MOUNTPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if opt.Lazy && cmd.Flags().Changed("timeout") {
				return fault.New(fault.Usage, "leave out one of them", "--lazy does not wait, so --timeout has no meaning with it")
			}
			app, err := c.app()
			if err != nil {
				return err
			}
			opt.Progress = c.drainProgress()
			d, err := app.Unmount(cmd.Context(), args[0], opt)
			if end := opt.Progress; end != nil {
				c.endProgress()
			}
			if err != nil {
				return err
			}
			c.print(d, func(out io.Writer) {
				switch {
				case c.quiet:
				case opt.Lazy:
					fmt.Fprintf(out, "detached: %d queued, %d in progress, %d failed; open files: %d; it drains in the background\n",
						d.Queued, d.InProgress, d.Failed, d.OpenFiles)
				default:
					fmt.Fprintf(out, "unmounted: %d queued, %d in progress, %d failed\n", d.Queued, d.InProgress, d.Failed)
				}
			})
			return nil
		},
	}
	cmd.Flags().DurationVar(&opt.Timeout, "timeout", 0, "how long to wait for uploads (default: until done)")
	cmd.Flags().BoolVar(&opt.Lazy, "lazy", false, "detach at once, also where programs use it, and drain in the background")
	return cmd
}

// drainProgress draws what is left: a line that is drawn over on a terminal, a
// line a second elsewhere, nothing where output is JSON or quiet.
func (c *cli) drainProgress() func(mounts.Drain) {
	if c.format != "text" || c.quiet {
		return nil
	}
	every := time.Second
	if c.onTerminal() {
		every = 0
	}
	var last time.Time
	return func(d mounts.Drain) {
		if d.Pending() == 0 || time.Since(last) < every {
			return
		}
		last = time.Now()
		line := fmt.Sprintf("draining: %d queued, %d in progress, %d failed, %s left", d.Queued, d.InProgress, d.Failed, size(d.PendingBytes))
		if c.onTerminal() {
			fmt.Fprintf(c.err, "\r\x1b[K%s", line)
			return
		}
		fmt.Fprintln(c.err, line)
	}
}

func (c *cli) endProgress() {
	if c.onTerminal() {
		fmt.Fprint(c.err, "\r\x1b[K")
	}
}

func (c *cli) onTerminal() bool {
	f, ok := c.err.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// mountProcessCommand is what a mount process runs as. It is not for people: what
// it needs comes through descriptors that the manager opened.
func (c *cli) mountProcessCommand() *cobra.Command {
	return &cobra.Command{
		Use: mounts.DaemonCommand, Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error { return mountd.Main() },
	}
}
