package cmd

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// formerWait is how long a swap waits for requests that are signed with the former pair.
const formerWait = time.Minute

// rotateOptions are the flags of `storage rotate`.
type rotateOptions struct {
	profile            string
	key, secret, token string
	command            string
	mounts             string
	dryRun, force      bool
	finish, undo       bool
}

// rotated is what `storage rotate` prints as JSON.
type rotated struct {
	Profile  string                         `json:"profile,omitempty"`
	DryRun   bool                           `json:"dry_run,omitempty"`
	Verified []backend.Verified             `json:"verified"`
	Saved    bool                           `json:"saved"`
	Mounts   []backend.RefreshedCredentials `json:"mounts"` // what became of each mount
	Former   []string                       `json:"former"` // mountpoints that still use the former pair
}

func (c *cli) storageRotate() *cobra.Command {
	var o rotateOptions
	cmd := &cobra.Command{
		Use:   "rotate",
		Short: "Replace the pair: try it everywhere, save it, and give it to mounts",
		Long: "Tries a new pair on every workspace that uses the one it replaces, saves it as a whole, and then, with --mounts,\n" +
			"gives it to the mounts that run. A pair that a workspace refuses is not saved, unless it refuses the present one too.\n" +
			"The former pair is kept until all of that is done; --undo goes back to it, --finish forgets it. Without a pair in the\n" +
			"flags it is taken from the environment.",
		Example: c.examples(
			"storage rotate --access-key-id AKIA... --secret-access-key - --dry-run", "tries it, and changes nothing",
			"storage rotate --access-key-id AKIA... --secret-access-key - --mounts refresh", "",
			"storage rotate --profile prod --from-process '/usr/local/bin/new-keys' --mounts remount", "",
		),
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			switch {
			case o.finish && o.undo:
				return fault.New(fault.Usage, "choose one", "--finish and --undo exclude each other")
			case o.finish:
				return c.endRotation(o, "Forgot the former pair", app.FinishRotation)
			case o.undo:
				return c.endRotation(o, "Went back to the former pair", app.UndoRotation)
			}
			return c.rotate(cmd, app, o)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.profile, "profile", "", "the pair of this static profile, not the global one")
	f.StringVar(&o.key, "access-key-id", "", "new access key ID")
	f.StringVar(&o.secret, "secret-access-key", "", "new secret access key; - reads it from standard input")
	f.StringVar(&o.token, "session-token", "", "session token of the new pair; - reads it from standard input")
	f.StringVar(&o.command, "from-process", "", "a command that prints the new pair as AWS's credential_process does")
	f.StringVar(&o.mounts, "mounts", "keep", "what mounts that run do: keep the former pair, refresh, or remount")
	f.BoolVar(&o.dryRun, "dry-run", false, "try the pair, and change nothing")
	f.BoolVar(&o.force, "force", false, "save the pair although a workspace refuses it")
	f.BoolVar(&o.finish, "finish", false, "end a rotation that was left: forget the former pair")
	f.BoolVar(&o.undo, "undo", false, "end a rotation that was left: go back to the former pair")
	return cmd
}

func (c *cli) endRotation(o rotateOptions, said string, end func(string) error) error {
	if err := end(o.profile); err != nil {
		return err
	}
	c.did(map[string]string{"done": said}, func(out io.Writer) { fmt.Fprintln(out, said) })
	return nil
}

func (c *cli) rotate(cmd *cobra.Command, app *backend.App, o rotateOptions) error {
	if o.mounts != "keep" && o.mounts != "refresh" && o.mounts != "remount" {
		return fault.New(fault.Usage, "--mounts is keep, refresh or remount", "mounts cannot %q", o.mounts)
	}
	ctx := cmd.Context()
	creds, err := c.newPair(ctx, app, o)
	if err != nil {
		return err
	}
	r, err := app.Rotation(ctx, o.profile)
	if err != nil {
		return err
	}
	if r.Saved {
		return fault.New(fault.Conflict, "end it with --finish, or go back with --undo", "the last rotation has not ended")
	}
	result := rotated{Profile: o.profile, DryRun: o.dryRun, Mounts: []backend.RefreshedCredentials{}, Former: []string{}}
	if result.Verified, err = app.VerifyRotation(ctx, r, creds, c.sayVerified); err != nil {
		return err
	}
	refused := 0
	for _, v := range result.Verified {
		if !v.OK && !v.Before {
			refused++
		}
	}
	if refused > 0 && !o.force {
		return fault.New(fault.Auth, "nothing was changed; give the pair access, or add --force",
			"the new pair does not serve %d of %d workspaces", refused, len(result.Verified))
	}
	if o.dryRun {
		c.print(result, func(out io.Writer) { fmt.Fprintln(out, "dry run: nothing was changed") })
		return nil
	}
	if err := app.SaveRotation(r, creds); err != nil {
		return err
	}
	result.Saved = true
	c.say("saved: %s", r.Current.Path)
	failed := c.rotateMounts(ctx, app, o, r, &result)
	if failed != nil {
		return fault.New(fault.As(failed).Kind, "the former pair is kept: repeat with `mount refresh-credentials`, then `storage rotate --finish`; or `storage rotate --undo`",
			"the new pair is saved, but a mount did not take it: %v", failed)
	}
	if err := app.FinishRotation(o.profile); err != nil {
		return err
	}
	c.print(result, func(out io.Writer) {
		if c.quiet {
			return
		}
		for _, path := range result.Former {
			fmt.Fprintln(out, "still uses the former pair: "+path)
		}
		if len(result.Former) == 0 {
			fmt.Fprintln(out, "rotated: nothing here uses the former pair any more")
		}
	})
	return nil
}

// newPair is that of the flags, of a command, or of the environment.
func (c *cli) newPair(ctx context.Context, app *backend.App, o rotateOptions) (keyring.Credentials, error) {
	stdin := bufio.NewReader(c.in)
	for _, f := range []struct {
		name  string
		value *string
	}{{"secret-access-key", &o.secret}, {"session-token", &o.token}} {
		if *f.value != "-" {
			continue
		}
		line, err := c.readSecret(ctx, stdin, f.name)
		if err != nil {
			return keyring.Credentials{}, err
		}
		*f.value = line
	}
	given := keyring.Credentials{AccessKeyID: o.key, SecretAccessKey: keyring.NewSecret(o.secret), SessionToken: keyring.NewSecret(o.token)}
	if o.command != "" {
		return app.IssuePair(ctx, o.command)
	}
	if o.key == "" && o.secret == "" {
		return app.EnvironmentPair()
	}
	return given, nil
}

func (c *cli) sayVerified(v backend.Verified) {
	switch {
	case v.OK:
		c.say("ok       %s  %s", v.Workspace, v.Location)
	case v.Before:
		c.say("as now   %s  %s  (the present pair is refused too)", v.Workspace, v.Location)
	default:
		c.say("refused  %s  %s  %s", v.Workspace, v.Location, v.Error)
	}
}

// rotateMounts does with each mount what was asked for; the error is of the first that failed.
func (c *cli) rotateMounts(ctx context.Context, app *backend.App, o rotateOptions, r backend.Rotation, result *rotated) (first error) {
	for _, u := range r.Uses {
		for _, m := range u.Mounts {
			if o.mounts == "keep" {
				result.Former = append(result.Former, m.Mountpoint)
				continue
			}
			done, err := c.rotateMount(ctx, app, o, m)
			if err != nil {
				done.Error = fault.As(err)
				result.Former = append(result.Former, m.Mountpoint)
				if first == nil {
					first = err
				}
			}
			result.Mounts = append(result.Mounts, done)
		}
	}
	return first
}

func (c *cli) rotateMount(ctx context.Context, app *backend.App, o rotateOptions, m mounts.Status) (backend.RefreshedCredentials, error) {
	if o.mounts == "remount" {
		c.say("remounting %s ...", m.Mountpoint)
		s, err := app.Remount(ctx, m.ID, mounts.UnmountOptions{})
		return backend.RefreshedCredentials{Workspace: m.Workspace, Mountpoint: m.Mountpoint, Fingerprint: s.Fingerprint}, err
	}
	done, err := app.RefreshCredentials(ctx, backend.RefreshRequest{Where: m.ID, Kept: true, Wait: formerWait})
	if err == nil {
		c.say("%s", refreshedLine(done))
	}
	return done, err
}

func refreshedLine(r backend.RefreshedCredentials) string {
	line := fmt.Sprintf("refreshed: %s signs with %s", r.Mountpoint, r.Fingerprint)
	if r.FormerRequests > 0 {
		line += fmt.Sprintf("; %d requests of the former pair are under way, do not revoke it yet", r.FormerRequests)
	}
	return line
}

func (c *cli) refreshCredentialsCommand() *cobra.Command {
	var all bool
	req := backend.RefreshRequest{Wait: formerWait}
	cmd := &cobra.Command{
		Use:   "refresh-credentials MOUNTPOINT | --all",
		Short: "Give a running mount the credentials of now, without unmounting",
		Long: "A mount keeps the credentials it was given. This gives it those that a new mount would get: files stay open and\n" +
			"uploads go on. The mount proves them on its bucket and prefix first; ones that do not serve change nothing. It\n" +
			"returns when no request is signed with the former pair any more, so that this may be revoked then.",
		Example: c.examples("mount refresh-credentials /mnt/work", "", "mount refresh-credentials --all", "", "mount refresh-credentials /mnt/work --profile prod", ""),
		Args:    rangeArgs(0, "MOUNTPOINT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) == 1) {
				return fault.New(fault.Usage, "usage: "+cmd.UseLine(), "give a mountpoint or --all")
			}
			app, err := c.app()
			if err != nil {
				return err
			}
			if all {
				list, err := app.RefreshAllCredentials(cmd.Context(), req)
				c.print(list, func(out io.Writer) {
					for _, r := range list {
						if r.Error != nil {
							fmt.Fprintf(out, "not refreshed: %s: %s\n", r.Mountpoint, r.Error)
						} else if !c.quiet {
							fmt.Fprintln(out, refreshedLine(r))
						}
					}
				})
				return err
			}
			req.Where = args[0]
			r, err := app.RefreshCredentials(cmd.Context(), req)
			if err != nil {
				return err
			}
			c.did(r, func(out io.Writer) { fmt.Fprintln(out, refreshedLine(r)) })
			return nil
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "every mount that runs")
	cmd.Flags().StringVar(&req.Profile, "profile", "", "take them from this credential profile from now on")
	cmd.Flags().DurationVar(&req.Wait, "wait", req.Wait, "how long to wait for requests that are signed with the former pair")
	return cmd
}
