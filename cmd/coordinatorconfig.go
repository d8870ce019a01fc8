package cmd

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/embedded"
	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
)

func (c *cli) coordinatorConfig() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "config",
		Short: "Check and explain coordinator.yaml",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(c.configExample(), c.configCheck(), c.configShow())
	return cmd
}

func (c *cli) configExample() *cobra.Command {
	return &cobra.Command{
		Use:     "example",
		Short:   "Print a coordinator.yaml with every key, explained, and its default",
		Example: c.examples("coordinator config example > coordinator.yaml", ""),
		Args:    exactArgs(),
		RunE: func(*cobra.Command, []string) error {
			c.print(map[string]string{"yaml": config.Example}, func(out io.Writer) { fmt.Fprint(out, config.Example) })
			return nil
		},
	}
}

// checkedConfig is the JSON form of `config check`.
type checkedConfig struct {
	File    string `json:"file"`
	Valid   bool   `json:"valid"`
	URL     string `json:"url"`
	Metrics string `json:"metrics,omitempty"` // address; empty: the admin socket alone
	DataDir string `json:"data_dir"`
	Storage string `json:"storage"`  // the engines; data_dir where all is in it
	MaxSize int64  `json:"max_size"` // bytes; 0: unlimited
}

func (c *cli) configCheck() *cobra.Command {
	var insecure bool
	cmd := &cobra.Command{
		Use:   "check FILE",
		Short: "Prove that a coordinator.yaml can be served with, and say what it comes to",
		Long: "Reads FILE as `coordinator serve --config FILE` does: its keys, the interface or address on this machine, the\n" +
			"certificate, the files and variables that have the secrets of its storage, that data_dir can be a folder. What is wrong is one line that begins\n" +
			"with FILE:LINE, and exit code 2.",
		Example: c.examples("coordinator config check /etc/artifacts/coordinator.yaml", ""),
		Args:    exactArgs("FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			e, err := config.Load(args[0])
			if err != nil {
				return err
			}
			address, metrics, err := e.Listening(insecure)
			if err != nil {
				return err
			}
			outOfDate, err := coordinator.CheckTLS(e.Config.TLS, time.Now())
			if err != nil {
				return e.Of("tls.cert", err)
			}
			if outOfDate != "" {
				c.notify("warning: " + outOfDate)
			}
			if err := e.CheckSecrets(); err != nil {
				return err
			}
			writable, err := coordinator.CheckDataDir(e.Config.S3.DataDir)
			if err != nil {
				return e.Of("s3.data_dir", err)
			}
			if !writable {
				c.notify("warning: this user cannot write " + e.Config.S3.DataDir + ": the coordinator needs another user, or another data_dir")
			}
			scheme := "http"
			if e.Config.TLS.On() {
				scheme = "https"
			}
			s3 := e.Config.S3
			checked := checkedConfig{File: e.File, Valid: true, URL: scheme + "://" + address, Metrics: metrics, DataDir: s3.DataDir, Storage: e.Config.Where(), MaxSize: int64(s3.MaxSize)}
			c.print(checked, func(out io.Writer) {
				if c.quiet {
					return
				}
				most := "unlimited"
				if s3.MaxSize > 0 {
					most = fmt.Sprintf("%s, %d bytes", size(int64(s3.MaxSize)), s3.MaxSize)
				}
				fmt.Fprintf(out, "%s is valid\n", e.File)
				storage := ""
				if !e.Config.Embedded() {
					storage = checked.Storage
				}
				fields(out, "Store", checked.URL+"/s3", "Metrics", metrics, "Data", s3.DataDir, "Storage", storage, "Max size", most)
			})
			return nil
		},
	}
	cmd.Flags().BoolVar(&insecure, "insecure-bind", false, insecureHelp)
	return cmd
}

func (c *cli) configShow() *cobra.Command {
	var o serveOptions
	cmd := &cobra.Command{
		Use:   "show [--config FILE]",
		Short: "Show every key as `coordinator serve` with the same flags has it, and where it is from",
		Long: "Prints the effective configuration as a coordinator.yaml, sizes in bytes, each value with its source: default,\n" +
			"file or flag. It reads files alone, and shows none of what certificates and keys hold.",
		Example: c.examples("coordinator config show --config /etc/artifacts/coordinator.yaml", "", "coordinator config show --format json", ""),
		Args:    exactArgs(),
		RunE: func(*cobra.Command, []string) error {
			roots, err := xdg.Find(os.Getenv)
			if err != nil {
				return err
			}
			e, err := c.effective(roots, o)
			if err != nil {
				return err
			}
			shown := map[string]any{"file": e.File, "config": e.Config.Document(), "sources": e.Sources()}
			c.print(shown, func(out io.Writer) { fmt.Fprint(out, e.YAML()) })
			return nil
		},
	}
	o.flags(cmd.Flags())
	return cmd
}

// effective is the configuration of `coordinator serve`: flags, the file, defaults.
func (c *cli) effective(roots xdg.Roots, o serveOptions) (e config.Effective, err error) {
	e.Config = config.Default()
	if o.config != "" {
		if e, err = config.Load(o.config); err != nil {
			return e, err
		}
	}
	if o.dataDir != "" {
		if e.Config.S3.DataDir, err = filepath.Abs(o.dataDir); err != nil {
			return e, err
		}
		e.Set("s3.data_dir")
	}
	if e.Config.S3.DataDir == "" {
		e.Config.S3.DataDir = embedded.DataDir(roots)
	}
	if o.listen != "" {
		e.Config.Listen = config.Listen{Address: o.listen}
		e.Set("listen")
	}
	if c.verbose {
		if err := e.Config.Log.Level.UnmarshalText([]byte("debug")); err != nil {
			return e, err
		}
		e.Set("log.level")
	}
	return e, nil
}

func (c *cli) coordinatorReload() *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "Have the local coordinator read its coordinator.yaml again",
		Long: "Puts into force what can change while it runs: s3.max_size, mesh_cidr, tls.cert and tls.key, rotation_grace,\n" +
			"retention, audit and log.level. What needs a restart is named. SIGHUP does the same. A file that is not valid\n" +
			"leaves everything as it is.",
		Args: exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			r, err := app.ReloadCoordinator(cmd.Context())
			if err != nil {
				return err
			}
			c.print(r, func(out io.Writer) {
				if c.quiet {
					return
				}
				for _, change := range r.Changed {
					fmt.Fprintf(out, "Changed %s\n", change)
				}
				for _, change := range r.Restart {
					fmt.Fprintf(out, "Needs a restart: %s\n", change)
				}
				if len(r.Changed)+len(r.Restart) == 0 {
					fmt.Fprintln(out, "Nothing has changed")
				}
			})
			return nil
		},
	}
}

func (c *cli) coordinatorCertificate() *cobra.Command {
	return &cobra.Command{
		Use:   "certificate",
		Short: "Print the certificate of the local coordinator, for AWS_CA_BUNDLE and the like",
		Long: "Prints what the coordinator serves https with, in PEM. A self-signed one is its own authority: as the bundle that\n" +
			"a client trusts (AWS_CA_BUNDLE, curl --cacert) it opens this coordinator and nothing else.",
		Example: c.examples("coordinator certificate > mesh.pem", ""),
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			app, err := c.app()
			if err != nil {
				return err
			}
			cert, err := app.CoordinatorCertificate(cmd.Context())
			if err != nil {
				return err
			}
			c.print(cert, func(out io.Writer) { fmt.Fprint(out, cert.PEM) })
			return nil
		},
	}
}
