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

// bucketRecycle, bucketDeleted and bucketRestore are the recycle bin of a bucket (SPEC C22).
func (c *cli) bucketRecycle() *cobra.Command {
	return &cobra.Command{
		Use:   "recycle NAME DURATION|off",
		Short: "Keep deleted objects of a bucket for a while",
		Long: "Gives a bucket a recycle bin: what S3 clients delete from it can be restored until the time is over. It does not\n" +
			"count against the bucket's quota, but against the store's. Overwritten objects are not kept.",
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
