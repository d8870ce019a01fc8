package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/coreos/go-systemd/v22/daemon"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/embedded"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
)

func (c *cli) coordinatorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "coordinator",
		Short: "Run, stop and show the coordinator",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(c.coordinatorServe(), c.coordinatorStop(), c.coordinatorStatus(), c.coordinatorReload(), c.coordinatorConfig(),
		c.coordinatorCertificate(), c.coordinatorService(), c.coordinatorFsck(), c.coordinatorBackup(), c.coordinatorVerify(), c.coordinatorRestore(), c.coordinatorMigrate())
	return cmd
}

// serveOptions are the flags of `coordinator serve`.
type serveOptions struct {
	config   string
	dataDir  string
	listen   string
	insecure bool
	embedded bool
}

func (c *cli) coordinatorServe() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "serve [--config coordinator.yaml]",
		Short: "Serve the mesh's S3 store in the foreground",
		Long: "Runs a coordinator until it is stopped by `coordinator stop`, Ctrl-C or SIGTERM. It listens on the mesh alone:\n" +
			"public addresses are refused without --insecure-bind.",
		Example: c.examples("coordinator serve --config /etc/artifacts/coordinator.yaml", "", "coordinator serve --data-dir ./data --listen 127.0.0.1:8080", ""),
		Args:    exactArgs(),
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.serve(cmd.Context(), o) },
	}
	f := cmd.Flags()
	o.flags(f)
	f.BoolVar(&o.insecure, "insecure-bind", false, insecureHelp)
	f.BoolVar(&o.embedded, embedded.Flag, false, "run as the embedded coordinator")
	_ = f.MarkHidden(embedded.Flag)
	return cmd
}

const insecureHelp = "allow 0.0.0.0, :: and public addresses"

// flags are those that `config show` has too.
func (o *serveOptions) flags(f *pflag.FlagSet) {
	wordVar(f, &o.config, "config", "coordinator.yaml; `coordinator config example` prints one with every key")
	wordVar(f, &o.dataDir, "data-dir", "where the store is kept (default: under the XDG data root)")
	wordVar(f, &o.listen, "listen", "address:port (default "+config.DefaultListen+")")
}

func (c *cli) serve(ctx context.Context, o serveOptions) error {
	if err := c.endless("coordinator serve"); err != nil {
		return err
	}
	roots, err := xdg.Find(os.Getenv)
	if err != nil {
		return err
	}
	e, err := c.effective(roots, o)
	if err != nil {
		return err
	}
	if _, _, err := e.Listening(o.insecure); err != nil {
		return err
	}
	level := &slog.LevelVar{}
	level.Set(slog.Level(e.Config.Log.Level))
	opt := coordinator.ServeOptions{
		Config: e.Config, Kind: "configured", Socket: embedded.Socket(roots), Version: Version, InsecureBind: o.insecure,
		Log: c.coordinatorLog(e.Config.Log.Format, level), Level: level,
	}
	if o.config != "" {
		opt.Reload = func() (config.Config, error) {
			e, err := c.effective(roots, o)
			return e.Config, err
		}
	}
	if err := xdg.Ensure(roots.State, "state", c.err); err != nil {
		return fault.Wrap(fault.Failure, err, "make the folder above it writable", "cannot make the state root")
	}
	if o.embedded {
		opt.Kind, opt.AnyPort = "embedded", true
		return serveEmbedded(ctx, opt)
	}
	opt.Ready = func(s coordinator.Status) {
		c.say("Serving %s/s3 from %s", s.URL, opt.Config.Where())
		notifyManager(daemon.SdNotifyReady + "\nSTATUS=Serving " + s.URL + "/s3")
	}
	return coordinator.Serve(ctx, opt)
}

// coordinatorLog goes to standard error.
func (c *cli) coordinatorLog(format config.Format, level slog.Leveler) *slog.Logger {
	opt := &slog.HandlerOptions{Level: level}
	if format == config.JSON {
		return slog.New(slog.NewJSONHandler(c.err, opt))
	}
	return slog.New(slog.NewTextHandler(c.err, opt))
}

// serveEmbedded tells the process that started this one how it went.
func serveEmbedded(ctx context.Context, opt coordinator.ServeOptions) error {
	pipe := os.NewFile(embedded.ReadyFD, "ready")
	tell := func(r embedded.Ready) {
		line, err := json.Marshal(r)
		if err == nil {
			_, _ = pipe.Write(append(line, '\n')) // whoever started us may be gone
		}
		_ = pipe.Close()
	}
	opt.Ready = func(s coordinator.Status) { tell(embedded.Ready{Status: &s}) }
	err := coordinator.Serve(ctx, opt)
	if err != nil {
		e := fault.As(err)
		tell(embedded.Ready{Error: &embedded.Failure{Code: e.Kind.Code(), Message: e.Error(), Hint: e.Hint}})
	}
	return err
}

func (c *cli) coordinatorStop() *cobra.Command {
	return &cobra.Command{
		Use:   "stop",
		Short: "Stop the local coordinator and wait until it is gone",
		Args:  exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			if err := app.StopCoordinator(cmd.Context()); err != nil {
				return err
			}
			c.did(map[string]bool{"stopped": true}, func(out io.Writer) { fmt.Fprintln(out, "Coordinator stopped") })
			return nil
		},
	}
}

func (c *cli) coordinatorStatus() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show which coordinator answers; starts none",
		Args:  exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			s, err := app.PeekCoordinator(cmd.Context())
			if err != nil {
				return err
			}
			c.print(s, func(out io.Writer) {
				if !s.Running {
					fmt.Fprintln(out, "not running; the next command that needs it starts it")
					return
				}
				fields(out, "Coordinator", s.Kind, "Context", s.Context, "URL", s.URL, "Store", s.URL+"/s3", "Certificate", s.Fingerprint, "PID", fmt.Sprint(s.PID),
					"Since", stamp(s.Since), "Data", s.DataDir, "Socket", s.Socket, "Peer", s.Peer, "Version", s.Version)
				printWarnings(out, s.Warnings)
			})
			return nil
		},
	}
}
