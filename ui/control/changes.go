package control

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/config"
	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/internal/bytesize"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
)

func line(words ...string) string { return commandline.Line("", words...) }

// or is a word that stands for one which is not typed yet.
func or(v, word string) string {
	if v == "" {
		return word
	}
	return v
}

// AddPeer enrols a peer; roles are separated by blanks, none is the coordinator's default.
func AddPeer(name, roles string) *Change {
	words := []string{"peer", "add", or(name, "NAME")}
	req := coordinator.AddPeer{Name: name}
	for _, role := range strings.Fields(roles) {
		words = append(words, "--role", role)
		req.Grants = append(req.Grants, authn.ParseGrant(role))
	}
	return &Change{
		Doing: "adding peer " + name, Failed: "Could not add peer " + name, Line: line(words...),
		run: remote(func(ctx context.Context, c Client) (Outcome, error) {
			p, err := c.AddPeer(ctx, req)
			if err != nil {
				return Outcome{}, err
			}
			return Outcome{Text: "added peer " + p.ID, Once: token("Peer "+name+" is added", p)}, nil
		}),
	}
}

// token is a peer's new token. In S3 clients its id is the access key and the token the secret.
func token(title string, p coordinator.NewPeer) *Once {
	o := &Once{Title: title, Pairs: [][2]string{{"Peer", p.ID}}, Label: "Token", Secret: keyring.NewSecret(p.Token)}
	if !p.PreviousUntil.IsZero() {
		o.Pairs = append(o.Pairs, [2]string{"Old token", "valid until " + p.PreviousUntil.Local().Format("2 Jan 15:04")})
	}
	return o
}

// RotatePeer gives a peer another token; grace is a duration as 24h or 7d, "" the coordinator's own.
func RotatePeer(id, grace string) *Change {
	words := []string{"peer", "rotate", id}
	if grace != "" {
		words = append(words, "--grace", grace)
	}
	return &Change{
		Doing: "rotating the token of " + id, Failed: "Could not rotate the token of " + id, Line: line(words...),
		run: remote(func(ctx context.Context, c Client) (Outcome, error) {
			var wanted *time.Duration
			if grace != "" {
				d, err := Duration(grace)
				if err != nil {
					return Outcome{}, err
				}
				wanted = &d
			}
			p, err := c.RotatePeer(ctx, id, wanted)
			if err != nil {
				return Outcome{}, err
			}
			once := token("Peer "+id+" has a new token", p)
			if p.PreviousUntil.IsZero() {
				once.Pairs = append(once.Pairs, [2]string{"Old token", "has ended"})
			}
			return Outcome{Text: "rotated the token of " + id, Once: once}, nil
		}),
	}
}

// RemovePeer ends a peer.
func RemovePeer(id string) *Change {
	return &Change{
		Doing: "removing peer " + id, Failed: "Could not remove peer " + id, Line: line("peer", "remove", id, "--yes"),
		run: remote(func(ctx context.Context, c Client) (Outcome, error) {
			p, err := c.RemovePeer(ctx, id)
			out := Outcome{Text: "removed peer " + id}
			if len(p.Buckets) > 0 {
				out.Details = []string{"its buckets stay: " + strings.Join(p.Buckets, " ")}
			}
			return out, err
		}),
	}
}

// Bind gives a peer a role, as people write it.
func Bind(peer, role string) *Change {
	return &Change{
		Doing: "giving " + peer + " a role", Failed: "Could not give " + peer + " the role " + role,
		Line: line("role", "bind", peer, or(role, "ROLE")),
		run: remote(func(ctx context.Context, c Client) (Outcome, error) {
			b, err := c.Bind(ctx, coordinator.Bind{Peer: peer, Grant: authn.ParseGrant(role)})
			return Outcome{Text: b.Peer + " has " + b.String()}, err
		}),
	}
}

// Unbind takes a role away.
func Unbind(b coordinator.Binding) *Change {
	return &Change{
		Doing: "taking a role away", Failed: "Could not take " + b.String() + " from " + b.Peer, Line: line("role", "unbind", b.ID),
		run: remote(func(ctx context.Context, c Client) (Outcome, error) {
			_, err := c.Unbind(ctx, b.ID)
			return Outcome{Text: b.Peer + " no longer has " + b.String()}, err
		}),
	}
}

// CreateBucket makes a bucket; quota is a size as 10GB, "" none.
func CreateBucket(name, quota string) *Change {
	words := []string{"bucket", "create", or(name, "NAME")}
	if quota != "" {
		words = append(words, "--quota", quota)
	}
	return &Change{
		Doing: "creating bucket " + name, Failed: "Could not create bucket " + name, Line: line(words...), Bucket: name,
		run: remote(func(ctx context.Context, c Client) (Outcome, error) {
			bytes, err := Size(quota)
			if err != nil {
				return Outcome{}, err
			}
			b, err := c.CreateBucket(ctx, coordinator.NewBucket{Name: name, Quota: bytes})
			return Outcome{Text: "created bucket " + b.Name}, err
		}),
	}
}

// DeleteBucket deletes a bucket with everything in it.
func DeleteBucket(name string, full bool) *Change {
	words := []string{"bucket", "delete", name, "--yes"}
	if full {
		words = append(words, "--recursive")
	}
	return &Change{
		Doing: "deleting bucket " + name, Failed: "Could not delete bucket " + name, Line: line(words...),
		run: remote(func(ctx context.Context, c Client) (Outcome, error) {
			b, err := c.DeleteBucket(ctx, name, full)
			return Outcome{Text: fmt.Sprintf("deleted bucket %s with %d objects", name, b.Objects)}, err
		}),
	}
}

// quotaWords are the command that sets a quota, or takes it away where it is "".
func quotaWords(of, name, quota string) []string {
	if quota == "" {
		return []string{of, "quota", "clear", name}
	}
	return []string{of, "quota", "set", name, quota}
}

func quotaText(what, quota string) string {
	if quota == "" {
		return what + " has no quota"
	}
	return "the quota of " + what + " is " + quota
}

// BucketQuota bounds a bucket; quota "" takes the bound away.
func BucketQuota(name, quota string) *Change {
	return &Change{
		Doing: "setting the quota of " + name, Failed: "Could not set the quota of bucket " + name,
		Line: line(quotaWords("bucket", name, quota)...),
		run: remote(func(ctx context.Context, c Client) (Outcome, error) {
			bytes, err := Size(quota)
			if err != nil {
				return Outcome{}, err
			}
			_, err = c.SetBucketQuota(ctx, name, coordinator.Quota{Bytes: bytes})
			return Outcome{Text: quotaText("bucket "+name, quota)}, err
		}),
	}
}

// WorkspaceQuota bounds a managed workspace; quota "" takes the bound away.
func WorkspaceQuota(name, quota string) *Change {
	return &Change{
		Doing: "setting the quota of " + name, Failed: "Could not set the quota of workspace " + name,
		Line: line(quotaWords("workspace", name, quota)...),
		run: remote(func(ctx context.Context, c Client) (Outcome, error) {
			bytes, err := Size(quota)
			if err != nil {
				return Outcome{}, err
			}
			_, err = c.SetWorkspaceQuota(ctx, name, coordinator.Quota{Bytes: bytes})
			return Outcome{Text: quotaText("workspace "+name, quota)}, err
		}),
	}
}

// Recycle keeps a bucket's deleted objects for a while, as 7d; "" or off does not.
func Recycle(name, keep string) *Change {
	keep = or(keep, "off")
	return &Change{
		Doing: "changing the recycle bin of " + name, Failed: "Could not change the recycle bin of bucket " + name,
		Line: line("bucket", "recycle", name, keep),
		run: remote(func(ctx context.Context, c Client) (Outcome, error) {
			var d time.Duration
			text := "bucket " + name + " keeps no deleted objects"
			if keep != "off" {
				var err error
				if d, err = Duration(keep); err != nil {
					return Outcome{}, err
				}
				text = "bucket " + name + " keeps deleted objects for " + keep
			}
			_, err := c.SetRecycle(ctx, name, d)
			return Outcome{Text: text}, err
		}),
	}
}

// RestoreObject brings a deleted object back.
func RestoreObject(bucket string, o coordinator.RecycledObject) *Change {
	return &Change{
		Doing: "restoring " + o.Key, Failed: "Could not restore " + o.Key, Line: line("bucket", "restore", bucket, "--id", o.ID),
		run: remote(func(ctx context.Context, c Client) (Outcome, error) {
			r, err := c.RestoreObject(ctx, bucket, coordinator.RestoreObject{ID: o.ID})
			return Outcome{Text: "restored " + bucket + "/" + r.Key}, err
		}),
	}
}

// CreateShare makes a pair of keys for guests. Place is BUCKET or BUCKET/PREFIX.
func CreateShare(name, place, expires string) *Change {
	bucket, prefix, _ := strings.Cut(place, "/")
	words := []string{"share", "create", or(name, "NAME"), "--bucket", or(bucket, "BUCKET")}
	if prefix != "" {
		words = append(words, "--prefix", prefix)
	}
	if expires != "" {
		words = append(words, "--expires", expires)
	}
	return &Change{
		Doing: "creating share " + name, Failed: "Could not create share " + name, Line: line(words...),
		run: remote(func(ctx context.Context, c Client) (Outcome, error) {
			req := coordinator.NewShare{Name: name, Bucket: bucket, Prefix: prefix}
			if expires != "" {
				d, err := Duration(expires)
				if err != nil {
					return Outcome{}, err
				}
				req.Expires = time.Now().Add(d)
			}
			status, err := c.Status(ctx)
			if err != nil {
				return Outcome{}, err
			}
			s, err := c.CreateShare(ctx, req)
			if err != nil {
				return Outcome{}, err
			}
			return Outcome{Text: "created share " + name, Once: &Once{
				Title: "Share " + name + " is made", Label: "Secret key", Secret: keyring.NewSecret(s.SecretAccessKey),
				Pairs: [][2]string{{"Access key", s.AccessKeyID}, {"Endpoint", status.URL + "/s3"}, {"Place", "s3://" + s.Bucket + "/" + s.Prefix}},
			}}, nil
		}),
	}
}

// RevokeShare ends a share.
func RevokeShare(name string) *Change {
	return &Change{
		Doing: "revoking share " + name, Failed: "Could not revoke share " + name, Line: line("share", "revoke", name),
		run: remote(func(ctx context.Context, c Client) (Outcome, error) {
			_, err := c.RevokeShare(ctx, name)
			return Outcome{Text: "revoked share " + name}, err
		}),
	}
}

// RestoreWorkspace brings a deleted workspace back.
func RestoreWorkspace(id, name string) *Change {
	return &Change{
		Doing: "restoring " + name, Failed: "Could not restore workspace " + name, Line: line("workspace", "restore", id),
		run: remote(func(ctx context.Context, c Client) (Outcome, error) {
			_, err := c.RestoreWorkspace(ctx, id)
			return Outcome{Text: "restored workspace " + name}, err
		}),
	}
}

// PurgeWorkspace removes a deleted workspace for good.
func PurgeWorkspace(id, name string) *Change {
	return &Change{
		Doing: "purging " + name, Failed: "Could not purge workspace " + name, Line: line("workspace", "purge", id, "--yes"),
		run: remote(func(ctx context.Context, c Client) (Outcome, error) {
			_, err := c.PurgeWorkspace(ctx, id)
			return Outcome{Text: "purged workspace " + name}, err
		}),
	}
}

// Backup writes the control state to a file. Passphrase may be the zero value.
func Backup(path string, passphrase keyring.Secret, home string) *Change {
	words := []string{"coordinator", "backup", or(path, "FILE")}
	if !passphrase.IsZero() {
		words = append(words, "--passphrase-file", "-")
	}
	return &Change{
		Doing: "writing the backup", Failed: "Could not write the backup", Line: commandline.Line(home, words...), Backup: true,
		run: func(ctx context.Context, p Program) (Outcome, error) {
			m, err := p.App.Backup(ctx, path, passphrase.Reveal(), false)
			if err != nil {
				return Outcome{}, err
			}
			details := []string{fmt.Sprintf("%d documents, of %s", len(m.Documents), m.Created.Local().Format("2 Jan 2006 15:04:05"))}
			if passphrase.IsZero() {
				details = append(details, "it is not encrypted and holds every token of the mesh: keep it safe")
			} else {
				details = append(details, "encrypted; without the passphrase nobody reads it")
			}
			return Outcome{Text: "wrote the backup " + path, Details: details}, nil
		},
	}
}

// Bandwidth bounds a running mount; rate is as rclone's --bwlimit takes it.
func Bandwidth(mountpoint, rate, home string) *Change {
	return &Change{
		Doing: "setting the bandwidth", Failed: "Could not set the bandwidth",
		Line: commandline.Line(home, "mount", "bwlimit", mountpoint, or(rate, "off")),
		run: func(ctx context.Context, p Program) (Outcome, error) {
			b, err := mounts.ParseBandwidth(or(rate, "off"))
			if err != nil {
				return Outcome{}, err
			}
			if _, err := p.App.SetBandwidth(ctx, mountpoint, b); err != nil {
				return Outcome{}, err
			}
			if b == (mounts.Bandwidth{}) {
				return Outcome{Text: "the bandwidth is not bounded"}, nil
			}
			return Outcome{Text: "the bandwidth is bounded to " + rate}, nil
		},
	}
}

// UseContext makes another coordinator the one in use.
func UseContext(name string) *Change {
	return &Change{
		Doing: "switching to " + name, Failed: "Could not switch to " + name, Line: line("context", "use", name), Moves: true,
		run: func(_ context.Context, p Program) (Outcome, error) {
			return Outcome{Text: "the context is " + name}, p.App.UseContext(name)
		},
	}
}

// Login proves a token to a coordinator and makes that the one in use.
func Login(req backend.LoginRequest) *Change {
	words := []string{"login", or(req.URL, "URL")}
	if req.Name != "" {
		words = append(words, "--name", req.Name)
	}
	if req.Fingerprint != "" {
		words = append(words, "--fingerprint", req.Fingerprint)
	}
	return &Change{
		Doing: "logging in", Failed: "Could not log in", Line: line(words...), Moves: true,
		run: func(ctx context.Context, p Program) (Outcome, error) {
			c, err := p.App.Login(ctx, req)
			return Outcome{Text: "logged in to " + c.URL + " as " + c.Peer}, err
		},
	}
}

// Logout forgets a context and its token.
func Logout(name string) *Change {
	return &Change{
		Doing: "logging out of " + name, Failed: "Could not log out of " + name, Line: line("logout", name), Moves: true,
		run: func(_ context.Context, p Program) (Outcome, error) {
			_, err := p.App.Logout(name)
			return Outcome{Text: "logged out of " + name}, err
		},
	}
}

// Duration reads a time as 24h or 7d.
func Duration(text string) (time.Duration, error) {
	var d config.Duration
	err := d.UnmarshalText([]byte(text))
	return time.Duration(d), err
}

// Size reads a size as 10GB; "" is 0, which is no bound.
func Size(text string) (int64, error) {
	if text == "" {
		return 0, nil
	}
	return bytesize.Parse(text)
}

// DurationWord is a time in seconds as Duration reads it.
func DurationWord(seconds int64) string {
	const day = int64(24 * time.Hour / time.Second)
	if seconds > 0 && seconds%day == 0 {
		return fmt.Sprintf("%dd", seconds/day)
	}
	return config.Duration(time.Duration(seconds) * time.Second).String()
}
