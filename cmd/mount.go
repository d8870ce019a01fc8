package cmd

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/mounts/mountd"
)

func (c *cli) mountCommand() *cobra.Command {
	req, foreground := backend.MountRequest{}, false
	cmd := &cobra.Command{
		Use:   "mount NAME MOUNTPOINT",
		Short: "Mount a workspace",
		Long: "Mounts a workspace at an empty directory and returns when it is usable. The mount is served by a process\n" +
			"of its own that goes on after this command. What a program writes and closes is safe on this machine at\n" +
			"once and in the bucket soon after; `unmount` waits for that.\n\n" + profileHelp(),
		Example: c.examples("mount notes /mnt/work", "", "mount notes /mnt/work --read-only", "",
			"mount train /mnt/train --cache-profile benchmark", "", "mount list", ""),
		Args: exactArgs("NAME", "MOUNTPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Workspace, req.Mountpoint = args[0], args[1]
			app, err := c.app()
			if err != nil {
				return err
			}
			if foreground {
				return c.serveMount(cmd.Context(), app, req)
			}
			return c.mount(cmd.Context(), app, req)
		},
	}
	mountFlags(cmd.Flags(), &req)
	cmd.Flags().BoolVar(&foreground, "foreground", false, "stay until it is unmounted, and log to standard error; ctrl+c or SIGTERM unmounts")
	cmd.AddCommand(c.mountListCommand(), c.mountStatsCommand(), c.mountMetrics(), c.bwlimitCommand(), c.refreshCommand(), c.refreshCredentialsCommand(),
		c.repairCommand(), c.quarantineCommand(), c.enableCommand(), c.disableCommand())
	return cmd
}

// mountFlags are those that say how to mount; `mount enable` takes them too.
func mountFlags(f *pflag.FlagSet, req *backend.MountRequest) {
	f.BoolVar(&req.ReadOnly, "read-only", false, "refuse every change; for a managed workspace the store refuses them too")
	f.BoolVar(&req.CreateDir, "create", false, "make the mountpoint where it is missing")
	f.StringVar(&req.CredentialProfile, "profile", "", "byo: the credential profile to use (ARTIFACTS_PROFILE, the one the workspace is bound to)")
	f.StringVar(&req.Profile, "cache-profile", "interactive", "interactive, benchmark, or custom with --cache-profile-file")
	f.StringVar(&req.ProfileFile, "cache-profile-file", "", "values of the custom profile, as YAML")
	f.DurationVar(&req.Options.WriteBack, "write-back", 0, "how long after its close a file is uploaded (default: the profile's)")
	f.DurationVar(&req.Options.DirCache, "dir-cache", 0, "how long a listing is believed (default: the profile's)")
	f.DurationVar(&req.Options.StoreTimeout, "store-timeout", 0, "how long a program waits for a store that says nothing (default: the profile's)")
	f.Var((*sizeFlag)(&req.Options.StagingMax), "staging-max", "disk space for what is not uploaded yet, such as 20GB (default: max(5%, 1GiB) of the disk stays free)")
	f.BoolVar(&req.Options.NoAttributes, "no-attributes", false, "keep modes, owners, exact times and user.* attributes out of the bucket, where they are in one object a directory")
	f.BoolVar(&req.Options.SyncOnClose, "sync-on-close", false, "close and fsync return only when the object is in the bucket; a failed upload is their error")
	f.IntVar(&req.Options.Uploads, "uploads", 0, "changes that travel to the store at the same time (default: the profile's)")
	f.IntVar(&req.Options.Streams, "streams", 0, "ranges of 8 MiB that a read from the first byte on fetches at once (default: the profile's)")
	f.Var((*bandwidthFlag)(&req.Options.Bandwidth), "bwlimit", "bound of the bandwidth: 10M, 1M:512k for up:down, off; `mount bwlimit` changes it")
	f.Var((*sizeFlag)(&req.Options.CacheSize), "cache-size", "disk space for what was read, such as 20GB (default: the profile's)")
}

func (c *cli) mount(ctx context.Context, app *backend.App, req backend.MountRequest) error {
	c.say("Mounting %s ...", req.Mountpoint)
	s, err := app.Mount(ctx, req)
	if err != nil {
		return err
	}
	c.did(s, func(out io.Writer) { fmt.Fprintf(out, "Mounted %s at %s\n", s.Workspace, s.Mountpoint) })
	return nil
}

func (c *cli) mountListCommand() *cobra.Command {
	var watch bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List mounts",
		Long: "Lists this user's mounts. One whose process is gone shows as stale; `mount repair` brings it back. With --watch\n" +
			"it lists them again whenever something changed, until it is interrupted; as JSON that is a document a line.",
		Example: c.examples("mount list", "", "mount list --watch", "", "mount list --format json", ""),
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			take := func() ([]mounts.Status, error) {
				list, err := app.Mounts(cmd.Context())
				return append([]mounts.Status{}, list...), err
			}
			if watch {
				return c.watch(cmd.Context(), func() (any, func(io.Writer), error) {
					list, err := take()
					return list, func(out io.Writer) { c.mountTable(out, list) }, err
				})
			}
			list, err := take()
			if err != nil {
				return err
			}
			c.print(list, func(out io.Writer) { c.mountTable(out, list) })
			return nil
		},
	}
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "list them again whenever something changed, until ctrl+c")
	return cmd
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
		if m.StaleCredentials {
			health += ", stale-credentials"
		}
		rows[i] = []string{
			m.Mountpoint, m.Workspace, health, size(m.BytesRead), size(m.BytesWritten),
			fmt.Sprint(m.Queued + m.InProgress), fmt.Sprint(m.Failed),
		}
	}
	table(out, []string{"MOUNTPOINT", "WORKSPACE", "HEALTH", "READ", "WRITTEN", "PENDING", "FAILED"}, rows)
	for _, m := range list {
		if m.Changes != nil && m.Changes.State == mounts.ChangesPolling && m.Changes.Reason != "" {
			fmt.Fprintf(out, "changes: %s: %s\n", m.Mountpoint, changesText(m.Changes))
		}
	}
}

// changesText says how a mount learns what others change; empty where it does not tell.
func changesText(s *mounts.Changes) string {
	switch {
	case s == nil:
		return ""
	case s.State == mounts.ChangesPolling && s.Reason == "":
		return "polling: nobody tells of changes in this bucket"
	case s.State == mounts.ChangesPolling:
		return "polling since " + stamp(s.Since) + ": " + s.Reason
	}
	return s.State + " since " + stamp(s.Since)
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
			c.did(r, func(out io.Writer) { fmt.Fprintln(out, "refreshed: "+filepath.Join(r.Mountpoint, r.Path)) })
			return nil
		},
	}
}

// mountProcessCommand is what a mount process runs as. It is not for people: what
// it needs comes through descriptors that the manager opened.
func (c *cli) mountProcessCommand() *cobra.Command {
	return &cobra.Command{
		Use: mounts.DaemonCommand, Hidden: true, Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			err := mountd.Main()
			if !fault.Is(err, fault.Usage) {
				c.err = io.Discard // its log has it, and who started it was told
			}
			return err
		},
	}
}
