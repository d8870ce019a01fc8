package cmd

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/backup"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/internal/xdg"
)

func (c *cli) coordinatorBackup() *cobra.Command {
	var from string
	var force bool
	cmd := &cobra.Command{
		Use:   "backup FILE [--passphrase-file FILE|-]",
		Short: "Write the whole control state to one file, while the coordinator runs",
		Long: "Writes what the coordinator knows to one file: peers with their tokens, roles, buckets, quotas, workspaces, scoped\n" +
			"pairs, shares and its certificate. With it a coordinator comes back on another machine. The objects themselves\n" +
			"are not in it. The file opens every door of the mesh: keep it safe, or encrypt it with a passphrase.",
		Example: c.examples("coordinator backup mesh.backup --passphrase-file ~/.mesh-passphrase", "", "coordinator verify mesh.backup --passphrase-file ~/.mesh-passphrase", ""),
		Args:    exactArgs("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			passphrase, err := c.passphrase(cmd, from)
			if err != nil {
				return err
			}
			app, err := c.app()
			if err != nil {
				return err
			}
			m, err := app.Backup(cmd.Context(), args[0], passphrase, force)
			if err != nil {
				return err
			}
			c.notifyDamaged(m)
			c.did(summary(args[0], m, passphrase != ""), func(out io.Writer) {
				fmt.Fprintf(out, "Wrote %s: %s\n", args[0], documentsText(m))
				if passphrase == "" {
					fmt.Fprintln(out, "It is not encrypted and holds every token of the mesh (mode 0600).")
				}
			})
			return nil
		},
	}
	cmd.Flags().StringVar(&from, "passphrase-file", "", "encrypt it with the passphrase in this file; - is standard input")
	cmd.Flags().BoolVar(&force, "force", false, "replace FILE where it exists")
	return cmd
}

// backupSummary is a backup as JSON output shows it.
type backupSummary struct {
	File      string         `json:"file"`
	Encrypted bool           `json:"encrypted"`
	Created   string         `json:"created"`
	Address   string         `json:"address"`
	Documents map[string]int `json:"documents"` // by kind
	Damaged   []string       `json:"damaged,omitempty"`
	Older     []string       `json:"older,omitempty"` // damaged, and taken as they were before
}

func summary(file string, m backup.Manifest, encrypted bool) backupSummary {
	s := backupSummary{File: file, Encrypted: encrypted, Created: m.Created.Format("2006-01-02T15:04:05Z07:00"), Address: m.Address, Documents: map[string]int{}, Damaged: m.Damaged, Older: m.Older}
	for key := range m.Documents {
		s.Documents[kindOf(key)]++
	}
	return s
}

func kindOf(key string) string {
	kind, _, _ := strings.Cut(key, "/")
	return strings.TrimSuffix(kind, ".json")
}

func documentsText(m backup.Manifest) string {
	n := summary("", m, false).Documents
	return fmt.Sprintf("%d documents: %d peers, %d bindings, %d buckets, %d workspaces, %d scoped pairs, %d shares",
		len(m.Documents), n["peers"], n["bindings"], n["buckets"], n["workspaces"], n["credentials"], n["shares"])
}

// notifyDamaged names the documents that a backup could not take, or not as they were last: what
// they were is lost with it.
func (c *cli) notifyDamaged(m backup.Manifest) {
	if len(m.Damaged) > 0 {
		c.notify("warning: not in the backup, because they are damaged: " + strings.Join(m.Damaged, ", "))
	}
	if len(m.Older) > 0 {
		c.notify("warning: damaged, and taken as they were before their last change: " + strings.Join(m.Older, ", "))
	}
}

func (c *cli) coordinatorVerify() *cobra.Command {
	var from string
	cmd := &cobra.Command{
		Use:   "verify FILE|FOLDER",
		Short: "Check a backup, every byte of it",
		Args:  exactArgs("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			contents, encrypted, err := c.readBackup(cmd, args[0], from)
			if err != nil {
				return err
			}
			// In a file that `coordinator backup` wrote they were damaged before.
			if broken := slices.Concat(contents.Manifest.Damaged, contents.Manifest.Older); contents.Manifest.Format == 0 && len(broken) > 0 {
				return fault.New(fault.Failure, "copy the bucket again; `artifacts-tui coordinator restore` takes what is whole",
					"the copy of the system bucket is damaged: %s", strings.Join(broken, ", "))
			}
			c.notifyDamaged(contents.Manifest)
			c.print(summary(args[0], contents.Manifest, encrypted), func(out io.Writer) {
				fmt.Fprintf(out, "%s is whole: %s\n", args[0], documentsText(contents.Manifest))
				fields(out, "Made", stamp(contents.Manifest.Created), "Of", contents.Manifest.Address)
			})
			return nil
		},
	}
	cmd.Flags().StringVar(&from, "passphrase-file", "", "file with the passphrase; - is standard input")
	return cmd
}

func (c *cli) readBackup(cmd *cobra.Command, path, from string) (contents backup.Contents, encrypted bool, err error) {
	passphrase, err := c.passphrase(cmd, from)
	if err != nil {
		return contents, false, err
	}
	if encrypted, err = backend.BackupEncrypted(path); err != nil {
		return contents, false, err
	}
	contents, err = backend.ReadBackup(path, passphrase)
	return contents, encrypted, err
}

func (c *cli) coordinatorRestore() *cobra.Command {
	var from, configFile, dataDir string
	var damaged, dropLost bool
	cmd := &cobra.Command{
		Use:   "restore FILE|FOLDER [--data-dir DIR | --config FILE]",
		Short: "Bring a coordinator back from a backup, into an empty data_dir",
		Long: "Makes a data_dir with the control state of a backup: a file that `coordinator backup` wrote, or a folder that the\n" +
			"system bucket was copied to (aws s3 sync s3://_tunnelmesh FOLDER). It never writes over a store, and leaves nothing\n" +
			"half done. Peers keep their tokens, whatever the address. The objects are not in a backup: what the coordinator\n" +
			"knew of and does not find is reported by `coordinator status`, `bucket list` and `storage status` until it is back.\n\n" +
			"With --damaged it is the other way round: into the store of a stopped coordinator, objects and all, come those\n" +
			"documents alone that are damaged there.",
		Example: c.examples("coordinator restore mesh.backup --data-dir /var/lib/artifacts/s3", "", "coordinator restore mesh.backup --damaged", ""),
		Args:    exactArgs("FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			roots, err := xdg.Find(os.Getenv)
			if err != nil {
				return err
			}
			where, err := c.effective(roots, serveOptions{config: configFile, dataDir: dataDir})
			if err != nil {
				return err
			}
			if dropLost && !damaged {
				return fault.New(fault.Usage, "add --damaged", "--drop-lost is about documents that are damaged in a store that is there")
			}
			if damaged {
				return c.mendDocuments(cmd, args[0], from, where.Config, dropLost)
			}
			to := where.Config.S3.DataDir
			if !where.Config.Embedded() {
				return fault.New(fault.Usage, "restore into a --data-dir, and move that with `coordinator migrate --from DIR --to "+configFile+"`",
					"a backup is restored into a folder, and %s has the store on other engines", configFile)
			}
			passphrase, err := c.passphrase(cmd, from)
			if err != nil {
				return err
			}
			contents, err := backend.RestoreBackup(cmd.Context(), args[0], passphrase, to)
			if err != nil {
				return err
			}
			c.notifyDamaged(contents.Manifest)
			if contents.Manifest.Created.IsZero() {
				c.notify("A copy of the system bucket does not say what the buckets held: objects that are not there will not be reported.")
			}
			c.did(map[string]any{"data_dir": to, "documents": len(contents.Documents)}, func(out io.Writer) {
				fmt.Fprintf(out, "Restored %d documents to %s\n", len(contents.Documents), to)
			})
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&from, "passphrase-file", "", "file with the passphrase; - is standard input")
	wordVar(f, &configFile, "config", "coordinator.yaml that says where the data_dir is to be")
	wordVar(f, &dataDir, "data-dir", "the data_dir to make (default: the embedded coordinator's)")
	f.BoolVar(&damaged, "damaged", false, "bring back the documents that are damaged in a store that is there")
	f.BoolVar(&dropLost, "drop-lost", false, "with --damaged: remove those that are damaged and not in the backup")
	return cmd
}

func (c *cli) mendDocuments(cmd *cobra.Command, path, from string, to config.Config, dropLost bool) error {
	passphrase, err := c.passphrase(cmd, from)
	if err != nil {
		return err
	}
	m, err := backend.MendDocuments(cmd.Context(), path, passphrase, to, dropLost)
	if err != nil {
		return err
	}
	if len(m.Lost) > 0 {
		c.notify("warning: damaged, and not in the backup: " + strings.Join(m.Lost, ", "))
	}
	result := map[string]any{"data_dir": to.S3.DataDir, "documents": len(m.Restored)}
	for name, keys := range map[string][]string{"restored": m.Restored, "lost": m.Lost, "dropped": m.Dropped} {
		if len(keys) > 0 {
			result[name] = keys
		}
	}
	c.did(result, func(out io.Writer) {
		fmt.Fprintf(out, "Restored %d damaged documents in %s\n", len(m.Restored), to.S3.DataDir)
		for _, key := range m.Restored {
			fmt.Fprintf(out, "restored: %s\n", key)
		}
		for _, key := range m.Dropped {
			fmt.Fprintf(out, "dropped: %s\n", key)
		}
	})
	return nil
}
