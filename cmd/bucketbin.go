package cmd

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/client"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
)

// bucketRecycle, bucketDeleted, bucketRestore and bucketPurge are the recycle bin of a bucket (SPEC C22).
func (c *cli) bucketRecycle() *cobra.Command {
	return &cobra.Command{
		Use:   "recycle NAME DURATION|off",
		Short: "Keep deleted objects of a bucket for a while",
		Long: "Gives a bucket a recycle bin: what S3 clients delete from it can be restored until the time is over. It does not\n" +
			"count against the bucket's quota, but against the store's: where that is full, `bucket purge` makes room. Overwritten\n" +
			"objects are not kept.",
		Example: c.examples("bucket recycle build-artifacts 7d", "", "bucket deleted build-artifacts", "", "bucket restore build-artifacts v1.0/myapp", ""),
		Args:    exactArgs("NAME", "DURATION"),
		RunE: func(cmd *cobra.Command, args []string) error {
			var keep config.Duration
			if args[1] != "off" {
				if err := keep.UnmarshalText([]byte(args[1])); err != nil {
					return err
				}
			}
			return c.control(cmd.Context(), func(m *client.Client) error {
				b, err := m.SetRecycle(cmd.Context(), args[0], time.Duration(keep))
				if err != nil {
					return err
				}
				c.did(b, func(out io.Writer) { fmt.Fprintln(out, b.Name+": "+recycleText(b)) })
				return nil
			})
		},
	}
}

func recycleText(b coordinator.Bucket) string {
	if b.Recycle == 0 {
		return "deleted objects are gone for good"
	}
	return "deleted objects are kept for " + config.Duration(time.Duration(b.Recycle)*time.Second).String()
}

func (c *cli) bucketDeleted() *cobra.Command {
	return &cobra.Command{
		Use:   "deleted NAME [PREFIX]",
		Short: "List the deleted objects of a bucket that can be restored",
		Args:  rangeArgs(1, "NAME", "PREFIX"),
		RunE: func(cmd *cobra.Command, args []string) error {
			prefix := ""
			if len(args) == 2 {
				prefix = args[1]
			}
			return c.control(cmd.Context(), func(m *client.Client) error {
				list, err := m.DeletedObjects(cmd.Context(), args[0], prefix)
				if err == nil && len(list) == 0 {
					_, err = m.Bucket(cmd.Context(), args[0]) // is there one at all
				}
				if err != nil {
					return err
				}
				c.print(list, func(out io.Writer) {
					if len(list) == 0 {
						fmt.Fprintln(out, "No deleted objects")
						return
					}
					rows := make([][]string, len(list))
					for i, r := range list {
						rows[i] = []string{r.Key, oneDigit(r.Size), stamp(r.Deleted), stamp(r.Expires), r.ID}
					}
					table(out, []string{"KEY", "SIZE", "DELETED", "GONE AFTER", "ID"}, rows)
				})
				return nil
			})
		},
	}
}

func (c *cli) bucketRestore() *cobra.Command {
	var req coordinator.RestoreObject
	cmd := &cobra.Command{
		Use:   "restore NAME KEY|--id ID",
		Short: "Bring a deleted object back: the one deleted last at a key, or a certain one",
		Args:  rangeArgs(1, "NAME", "KEY"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 {
				req.Key = args[1]
			}
			return c.control(cmd.Context(), func(m *client.Client) error {
				r, err := m.RestoreObject(cmd.Context(), args[0], req)
				if err != nil {
					return err
				}
				c.did(r, func(out io.Writer) { fmt.Fprintf(out, "Restored %s/%s (%d bytes)\n", args[0], clean(r.Key), r.Size) })
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&req.ID, "id", "", "of `bucket deleted`")
	cmd.Flags().BoolVar(&req.Overwrite, "overwrite", false, "replace an object that has the key by now")
	return cmd
}

// purgedBucket is what `bucket purge` prints as JSON.
type purgedBucket struct {
	Purged  string `json:"purged"`
	Objects int64  `json:"objects"`
	Bytes   int64  `json:"bytes"`
	DryRun  bool   `json:"dry_run"`
}

func (c *cli) bucketPurge() *cobra.Command {
	var d destruction
	cmd := &cobra.Command{
		Use:     "purge NAME --yes",
		Short:   "Remove the deleted objects of a bucket for good",
		Long:    "Empties the recycle bin of a bucket, which counts against the store's limit. What was in it cannot be brought back; the bucket's objects stay.",
		Example: c.examples("bucket purge build-artifacts --dry-run", "how much room it makes", "bucket purge build-artifacts --yes", ""),
		Args:    exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := d.confirmed("purging the deleted objects of bucket %q", args[0]); err != nil {
				return err
			}
			return c.control(cmd.Context(), func(m *client.Client) error {
				held, err := m.PurgeBin(cmd.Context(), args[0], d.dryRun)
				if err != nil {
					return err
				}
				c.did(purgedBucket{Purged: args[0], Objects: held.Objects, Bytes: held.Bytes, DryRun: d.dryRun}, func(out io.Writer) {
					fmt.Fprintf(out, "%s %d deleted objects of bucket %s (%d bytes)\n", d.past("Purged", "purge"), held.Objects, args[0], held.Bytes)
				})
				return nil
			})
		},
	}
	d.flags(cmd)
	return cmd
}
