package cmd

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/client"
	"github.com/artifacts-tui/artifacts-tui/internal/bytesize"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

func (c *cli) bucketCommand() *cobra.Command {
	quota := group("quota", "Bound what buckets may hold", c.bucketQuotaSet(), c.bucketQuotaClear())
	cmd := group("bucket", "Make, list and bound the buckets of the mesh's store",
		c.bucketCreate(), c.bucketList(), c.bucketInfo(), c.bucketDelete(), c.bucketUsage(), c.bucketAcceptLoss(),
		c.bucketRecycle(), c.bucketDeleted(), c.bucketRestore(), c.bucketPurge(), quota)
	cmd.Aliases = []string{"buckets"}
	return cmd
}

func (c *cli) bucketCreate() *cobra.Command {
	var req coordinator.NewBucket
	cmd := &cobra.Command{
		Use:     "create NAME [--quota SIZE]",
		Short:   "Make a bucket, which is yours",
		Example: c.examples("bucket create build-artifacts", "", "bucket create logs --quota 10GB", "an admin may bound it at once"),
		Args:    exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			req.Name = args[0]
			return c.control(cmd.Context(), func(m *client.Client) error {
				b, err := m.CreateBucket(cmd.Context(), req)
				if err != nil {
					return err
				}
				c.did(b, func(out io.Writer) { fmt.Fprintf(out, "Created bucket %s\n", b.Name) })
				return nil
			})
		},
	}
	cmd.Flags().Var((*sizeFlag)(&req.Quota), "quota", "how much it may hold, as 500MB or 10GB (powers of 1024)")
	return cmd
}

func (c *cli) bucketList() *cobra.Command {
	return &cobra.Command{
		Use:     "list",
		Aliases: []string{"ls"},
		Short:   "List the buckets that you may see",
		Args:    exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.control(cmd.Context(), func(m *client.Client) error {
				list, err := m.Buckets(cmd.Context())
				if err != nil {
					return err
				}
				c.print(list, func(out io.Writer) { bucketTable(out, list) })
				return nil
			})
		},
	}
}

func bucketTable(out io.Writer, list []coordinator.Bucket) {
	if len(list) == 0 {
		fmt.Fprintln(out, "no buckets; `bucket create NAME` makes one")
		return
	}
	rows := make([][]string, len(list))
	for i, b := range list {
		rows[i] = []string{b.Name, ownerText(b), oneDigit(b.Used), quotaText(b.Quota), fullText(b.Used, b.Quota), strconv.FormatInt(b.Objects, 10), stamp(b.Created)}
	}
	table(out, []string{"NAME", "OWNER", "SIZE", "QUOTA", "FULL", "OBJECTS", "CREATED"}, rows)
	for _, b := range list {
		if b.Missing != nil {
			fmt.Fprintln(out, missingText(b))
		}
	}
}

func ownerText(b coordinator.Bucket) string {
	if b.OwnerName != "" {
		return b.OwnerName
	}
	return b.Owner
}

func missingText(b coordinator.Bucket) string {
	return fmt.Sprintf("missing: %s: %d objects (%d bytes) that the backup of %s knew of are not here", b.Name, b.Missing.Objects, b.Missing.Bytes, stamp(b.KnownAt))
}

func (c *cli) bucketInfo() *cobra.Command {
	return &cobra.Command{
		Use:   "info NAME",
		Short: "Show one bucket",
		Args:  exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withBucket(cmd, args[0], func(out io.Writer, b coordinator.Bucket) {
				lost := ""
				if b.Missing != nil {
					lost = fmt.Sprintf("%d objects (%d bytes) known to the backup of %s", b.Missing.Objects, b.Missing.Bytes, stamp(b.KnownAt))
				}
				fields(out, "Name", b.Name, "Owner", ownerText(b), "Created", stamp(b.Created), "Usage", usedOf(b.Used, b.Quota),
					"Objects", strconv.FormatInt(b.Objects, 10), "In flight", fmt.Sprintf("%d bytes of unfinished uploads", b.PartBytes), "Recycle bin", recycleText(b), "Missing", lost)
			})
		},
	}
}

// withBucket prints one bucket.
func (c *cli) withBucket(cmd *cobra.Command, name string, text func(io.Writer, coordinator.Bucket)) error {
	return c.control(cmd.Context(), func(m *client.Client) error {
		b, err := m.Bucket(cmd.Context(), name)
		if err != nil {
			return err
		}
		c.print(b, func(out io.Writer) { text(out, b) })
		return nil
	})
}

func (c *cli) bucketUsage() *cobra.Command {
	return &cobra.Command{
		Use:     "usage NAME",
		Short:   "Show how much of its quota a bucket has used",
		Example: c.examples("bucket usage build-artifacts", ""),
		Args:    exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.withBucket(cmd, args[0], func(out io.Writer, b coordinator.Bucket) { fmt.Fprintln(out, usageLine(b)) })
		},
	}
}

// usageLine is SPEC B27's.
func usageLine(b coordinator.Bucket) string {
	return fmt.Sprintf("%s: %s, %d objects", b.Name, usedOf(b.Used, b.Quota), b.Objects)
}

// deletedBucket is what `bucket delete` prints as JSON.
type deletedBucket struct {
	Deleted string `json:"deleted"`
	Objects int64  `json:"objects"`
	Bytes   int64  `json:"bytes"`
	DryRun  bool   `json:"dry_run"`
}

func (c *cli) bucketDelete() *cobra.Command {
	var d destruction
	var recursive bool
	cmd := &cobra.Command{
		Use:   "delete NAME --yes",
		Short: "Delete a bucket; with --recursive everything in it too",
		Long:  "Deletes a bucket. One that holds objects is refused, unless --recursive deletes them with it: they cannot be brought back.",
		Args:  exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := d.confirmed("deleting bucket %q", args[0]); err != nil {
				return err
			}
			return c.control(cmd.Context(), func(m *client.Client) error {
				b, err := m.Bucket(cmd.Context(), args[0])
				switch {
				case !d.dryRun:
					b, err = m.DeleteBucket(cmd.Context(), args[0], recursive)
				case err == nil && b.Objects > 0 && !recursive:
					err = fault.New(fault.Conflict, "--recursive deletes its objects too", "bucket %q is not empty", b.Name)
				}
				if err != nil {
					return err
				}
				c.did(deletedBucket{Deleted: b.Name, Objects: b.Objects, Bytes: b.Used, DryRun: d.dryRun}, func(out io.Writer) {
					fmt.Fprintf(out, "%s bucket %s with %d objects (%d bytes)\n", d.past("Deleted", "delete"), b.Name, b.Objects, b.Used)
				})
				return nil
			})
		},
	}
	d.flags(cmd)
	cmd.Flags().BoolVarP(&recursive, "recursive", "r", false, "delete its objects too")
	return cmd
}

func (c *cli) bucketQuotaSet() *cobra.Command {
	var force bool
	cmd := &cobra.Command{
		Use:   "set NAME SIZE",
		Short: "Bound what a bucket may hold",
		Long: "Bounds what a bucket may hold; parts of unfinished uploads count. Units are powers of 1024: 1GB is 1073741824 bytes.\n" +
			"A write that would pass the quota is refused before its body is sent, and what was there stays. 0 is no bound.",
		Example: c.examples("bucket quota set build-artifacts 1GB", ""),
		Args:    exactArgs("NAME", "SIZE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			bytes, err := bytesize.Parse(args[1])
			if err != nil {
				return err
			}
			return c.setBucketQuota(cmd, args[0], coordinator.Quota{Bytes: bytes, Force: force})
		},
	}
	cmd.Flags().BoolVar(&force, "force", false, "also where the bucket holds more: nothing can then be added to it")
	return cmd
}

func (c *cli) bucketQuotaClear() *cobra.Command {
	return &cobra.Command{
		Use:   "clear NAME",
		Short: "Take a bucket's quota away",
		Args:  exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return c.setBucketQuota(cmd, args[0], coordinator.Quota{})
		},
	}
}

func (c *cli) setBucketQuota(cmd *cobra.Command, name string, q coordinator.Quota) error {
	return c.control(cmd.Context(), func(m *client.Client) error {
		b, err := m.SetBucketQuota(cmd.Context(), name, q)
		if err != nil {
			return err
		}
		c.did(b, func(out io.Writer) { fmt.Fprintln(out, usageLine(b)) })
		return nil
	})
}

func (c *cli) bucketAcceptLoss() *cobra.Command {
	var yes bool
	cmd := &cobra.Command{
		Use:   "accept-loss NAME --yes",
		Short: "After a restore: stop reporting objects of a bucket that are not there",
		Args:  exactArgs("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := confirmed(yes, "accepting what is missing in %q", args[0]); err != nil {
				return err
			}
			return c.control(cmd.Context(), func(m *client.Client) error {
				b, err := m.ForgetMissing(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				c.did(b, func(out io.Writer) { fmt.Fprintln(out, usageLine(b)) })
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&yes, "yes", false, "do it without asking")
	return cmd
}

// storageStatus is `storage status`: the mesh's store as a whole (SPEC B20).
func (c *cli) storageStatus() *cobra.Command {
	return &cobra.Command{
		Use:   "status",
		Short: "Show how full the mesh's store is, and what an admin should see to",
		Args:  exactArgs(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.control(cmd.Context(), func(m *client.Client) error {
				s, err := m.Storage(cmd.Context())
				if err != nil {
					return err
				}
				c.print(s, func(out io.Writer) { showStorage(out, s) })
				return nil
			})
		},
	}
}

func showStorage(out io.Writer, s coordinator.Storage) {
	fields(out, "Store", usedOf(s.Total(), s.MaxSize), "Objects", strconv.FormatInt(s.Objects, 10),
		"In flight", fmt.Sprintf("%d bytes of unfinished uploads", s.PartBytes), "Buckets", strconv.Itoa(s.Buckets),
		"Workspaces", fmt.Sprintf("%d managed, %d of them deleted", s.Workspaces, s.Deleted),
		"Disk", fmt.Sprintf("%s free of %s, %d bytes free", oneDigit(s.Disk.Free), oneDigit(s.Disk.Total), s.Disk.Free))
	printWarnings(out, s.Warnings)
}

func printWarnings(out io.Writer, list []coordinator.Warning) {
	for _, w := range list {
		fmt.Fprintf(out, "%s: %s\n", w.Kind, w.Message)
	}
}
