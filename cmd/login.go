package cmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/client"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/tlstrust"
	"github.com/artifacts-tui/artifacts-tui/keyring"
)

func (c *cli) loginCommand() *cobra.Command {
	var req backend.LoginRequest
	var token string
	cmd := &cobra.Command{
		Use:   "login URL",
		Short: "Use a coordinator on another machine, as one of its peers",
		Long: "Proves a peer's token to a coordinator and keeps both as a context, which commands use from then on. The token is\n" +
			"typed without echo, read from standard input with --token -, or taken from " + keyring.EnvToken + "; never from the command line.\n" +
			"A certificate that this system does not trust is taken only when its fingerprint is confirmed, and is the only one\n" +
			"that is taken from then on.",
		Example: c.examples(
			"login http://coordinator.mesh:8080", "the token is asked for",
			"login https://coordinator.mesh:8443 --name work --token - < token.txt", "",
			"login https://coordinator.mesh:8443 --fingerprint 3F:A1:...", "its certificate is one that it made itself",
		),
		Args: exactArgs("URL"),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.URL = args[0]
			if token != "" && token != "-" {
				return fault.New(fault.Usage, "`--token -` reads it from standard input; "+keyring.EnvToken+" may have it too",
					"a token does not belong in the command line, where other users can read it")
			}
			return c.login(cmd.Context(), req, token == "-")
		},
	}
	f := cmd.Flags()
	f.StringVar(&req.Name, "name", "", "name of the context (default: the URL's host and port)")
	f.StringVar(&req.Peer, "peer", "", "id of the peer that the token has to be of")
	f.StringVar(&token, "token", "", "- reads the token from standard input")
	f.StringVar(&req.Fingerprint, "fingerprint", "", "SHA-256 of the coordinator's certificate, in hex: the only one to take")
	f.StringVar((*string)(&req.Store), "store", "", "where the token is kept: file (mode 0600) or keyring (default: as it was, else file)")
	return cmd
}

func (c *cli) login(ctx context.Context, req backend.LoginRequest, fromStdin bool) error {
	if err := req.Check(); err != nil {
		return err
	}
	app, err := c.app()
	if err != nil {
		return err
	}
	met, err := app.MeetCoordinator(ctx, req)
	var untrusted *client.Untrusted
	if errors.As(err, &untrusted) && !fromStdin && c.interactive() {
		yes, interrupted := c.trusts(ctx, req.URL, untrusted)
		switch {
		case interrupted != nil:
			return interrupted
		case !yes:
			return err
		}
		req.Fingerprint = untrusted.Met
		met, err = app.MeetCoordinator(ctx, req)
	}
	if err != nil {
		return err
	}
	if met.InClear {
		c.notify("warning: over http the token travels in clear, which is for a network that encrypts by itself, such as the mesh; elsewhere use https")
	}
	if req.Token, err = c.token(ctx, fromStdin); err != nil {
		return err
	}
	made, err := app.Login(ctx, req)
	if err != nil {
		return err
	}
	c.did(made, func(out io.Writer) {
		fmt.Fprintf(out, "Logged in to %s as %s; the context is %s\n", made.URL, made.Peer, made.Name)
	})
	c.noteOverride(made.Name, made.URL)
	return nil
}

// noteOverride says where another coordinator goes before the active context.
func (c *cli) noteOverride(active ...string) {
	if v := os.Getenv(backend.EnvCoordinator); v != "" && !slices.Contains(active, v) {
		c.notify("note: " + backend.EnvCoordinator + " names another coordinator, and goes first")
	}
}

// trusts asks whether a certificate is to be taken.
func (c *cli) trusts(ctx context.Context, at string, u *client.Untrusted) (bool, error) {
	fmt.Fprintf(c.err, "The certificate of %s is not one that this system trusts: %v.\nIts SHA-256 fingerprint is\n  %s\n", at, u, tlstrust.Colons(u.Met))
	return c.confirm(ctx, "Take it, and only it, from now on?")
}

// stdinMax bounds what is read of standard input for a token, in bytes.
const stdinMax = 64 << 10

// token is that of standard input, the environment, or a prompt.
func (c *cli) token(ctx context.Context, fromStdin bool) (keyring.Secret, error) {
	var text string
	switch env := os.Getenv(keyring.EnvToken); {
	case fromStdin && !c.interactive():
		all, err := io.ReadAll(io.LimitReader(c.in, stdinMax))
		if err != nil {
			return keyring.Secret{}, err
		}
		text = strings.TrimSuffix(string(all), "\n")
	case !fromStdin && env != "":
		text = env
	case c.interactive():
		var err error
		if text, err = c.askHidden(ctx, "Token: "); err != nil {
			return keyring.Secret{}, err
		}
	default:
		return keyring.Secret{}, fault.New(fault.Usage, "pipe it in with `--token -`, or set "+keyring.EnvToken, "no token, and no terminal to ask for it")
	}
	token := keyring.NewSecret(text)
	return token, keyring.CheckToken(token)
}

func (c *cli) logoutCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use:   "logout [CONTEXT]",
		Short: "Forget a coordinator on another machine, and the token for it",
		Long: "Removes a context, the active one where none is named, and its token from the file and the OS keyring. Mounts that run\n" +
			"go on. Commands use the local coordinator again where it was the active one. To log out twice is no error.",
		Example: c.examples("logout", "", "logout work", "", "logout --all", ""),
		Args:    rangeArgs(0, "CONTEXT"),
		RunE: func(_ *cobra.Command, args []string) error {
			if all && len(args) > 0 {
				return fault.New(fault.Usage, "choose one", "--all and a context exclude each other")
			}
			app, err := c.app()
			if err != nil {
				return err
			}
			removed, err := logout(app, all, args)
			if err != nil {
				return err
			}
			c.print(map[string][]string{"removed": append([]string{}, removed...)}, func(out io.Writer) {
				if c.quiet {
					return
				}
				if len(removed) == 0 {
					fmt.Fprintln(out, "Not logged in")
				}
				for _, name := range removed {
					fmt.Fprintf(out, "Logged out of %s\n", name)
				}
			})
			return nil
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "every context")
	return cmd
}

func logout(app *backend.App, all bool, args []string) ([]string, error) {
	switch {
	case all:
		return app.LogoutAll()
	case len(args) == 1:
		return app.Logout(args[0])
	}
	active, err := app.Context("")
	if err != nil || active.Name == keyring.LocalContext {
		return nil, err
	}
	return app.Logout(active.Name)
}

func (c *cli) whoamiCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "whoami",
		Short: "Show which peer you are, and to which coordinator",
		Long:  "Asks the coordinator, so that a token that is over is noticed.",
		Args:  exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			me, err := app.WhoAmI(cmd.Context())
			if err != nil {
				return err
			}
			c.print(me, func(out io.Writer) {
				fields(out, "Peer", me.Peer, "Name", me.Name, "Coordinator", me.Coordinator, "URL", me.URL, "Context", me.Context,
					"Token", keptIn(me.Store, me.Path), "Certificate", tlstrust.Colons(me.Pin))
			})
			return nil
		},
	}
}

// keptIn says where a token is.
func keptIn(store keyring.Store, path string) string {
	if store == keyring.InKeyring {
		return "in the OS keyring, " + path + " points to it"
	}
	return path + " (mode 0600)"
}
