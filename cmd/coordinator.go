package cmd

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
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
	cmd.AddCommand(c.coordinatorServe(), c.coordinatorStop(), c.coordinatorStatus(), c.coordinatorFsck())
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
	f.StringVar(&o.config, "config", "", "coordinator.yaml: s3.data_dir, s3.max_size, s3.hosts, listen")
	f.StringVar(&o.dataDir, "data-dir", "", "where the store is kept (default: under the XDG data root)")
	f.StringVar(&o.listen, "listen", "", "address:port (default "+coordinator.DefaultListen+")")
	f.BoolVar(&o.insecure, "insecure-bind", false, "allow 0.0.0.0, :: and public addresses")
	f.BoolVar(&o.embedded, embedded.Flag, false, "run as the embedded coordinator")
	_ = f.MarkHidden(embedded.Flag)
	return cmd
}

func (c *cli) serve(ctx context.Context, o serveOptions) error {
	roots, err := xdg.Find(os.Getenv)
	if err != nil {
		return err
	}
	opt := coordinator.ServeOptions{
		Kind: "configured", Socket: embedded.Socket(roots), Version: Version, InsecureBind: o.insecure, Log: c.log(),
	}
	if opt.Config, err = loadConfig(roots, o.config, o.dataDir); err != nil {
		return err
	}
	if o.listen != "" {
		opt.Config.Listen = coordinator.Listen{Address: o.listen}
	}
	if err := xdg.Ensure(roots.State, "state", c.err); err != nil {
		return fault.Wrap(fault.Failure, err, "make the folder above it writable", "cannot make the state root")
	}
	if !o.embedded {
		opt.Ready = func(s coordinator.Status) { c.say("Serving %s/s3 from %s", s.URL, s.DataDir) }
		return coordinator.Serve(ctx, opt)
	}
	opt.Kind, opt.AnyPort = "embedded", true
	opt.Log = slog.New(slog.NewTextHandler(c.err, nil))
	return serveEmbedded(ctx, opt)
}

// loadConfig is the file's, with data_dir from the flag, or the embedded coordinator's.
func loadConfig(roots xdg.Roots, file, dataDir string) (config coordinator.Config, err error) {
	if file != "" {
		if config, err = coordinator.LoadConfig(file); err != nil {
			return config, err
		}
	}
	if dataDir != "" {
		if config.S3.DataDir, err = filepath.Abs(dataDir); err != nil {
			return config, err
		}
	}
	if config.S3.DataDir == "" {
		config.S3.DataDir = embedded.DataDir(roots)
	}
	return config, nil
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
			c.print(map[string]bool{"stopped": true}, func(out io.Writer) { fmt.Fprintln(out, "Coordinator stopped") })
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
				fields(out, "Coordinator", s.Kind, "Context", s.Context, "URL", s.URL, "Store", s.URL+"/s3", "PID", fmt.Sprint(s.PID),
					"Since", stamp(s.Since), "Data", s.DataDir, "Socket", s.Socket, "Peer", s.Peer, "Version", s.Version)
			})
			return nil
		},
	}
}
