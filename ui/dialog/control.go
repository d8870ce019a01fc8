package dialog

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts"
	"github.com/artifacts-tui/artifacts-tui/ui/component"
	"github.com/artifacts-tui/artifacts-tui/ui/control"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
	"github.com/artifacts-tui/artifacts-tui/ui/theme"
)

// NewControl makes the dialog of an action on the control plane, on the row called id; nil where
// that row is gone.
func NewControl(name keymap.Action, id string, s *session.Session, t *theme.Theme) *Change {
	d := &Change{s: s, theme: t}
	state := s.Control
	if state == nil {
		state = &control.State{}
	}
	switch name {
	case keymap.PeerAdd:
		d.addPeer()
	case keymap.PeerRotate, keymap.PeerRemove, keymap.RoleBind, keymap.RoleUnbind:
		for _, p := range state.Peers {
			if p.ID == id {
				d.peer(name, p)
				return d
			}
		}
		return nil
	case keymap.BucketCreate:
		d.createBucket(state.Who.Admin)
	case keymap.BucketQuota, keymap.BucketRecycle, keymap.BucketDelete:
		b, ok := s.Bucket(id)
		if !ok {
			return nil
		}
		d.bucket(name, b)
	case keymap.ShareCreate:
		d.createShare(id)
	case keymap.ShareRevoke:
		d.title, d.verb, d.tone = "Revoke share "+id+"?", "revoke", component.Bad
		d.words = [][2]string{{"Goes", "the keys of its guests: they read nothing any more."}, {"Stays", "every object."}}
		d.build = func([]string) *control.Change { return control.RevokeShare(id) }
	case keymap.WorkspacePurge:
		for _, w := range state.Deleted {
			if w.ID == id {
				d.purge(w)
				return d
			}
		}
		return nil
	case keymap.Backup:
		d.backup()
	case keymap.WorkspaceQuota:
		w, ok := s.Workspace(id)
		if !ok {
			return nil
		}
		d.workspaceQuota(w)
	case keymap.Bandwidth:
		m := s.MountAt(id)
		if m == nil {
			return nil
		}
		d.bandwidth(m)
	default:
		return nil
	}
	return d
}

func field(label, note string, check func(string) error) *component.Field {
	return &component.Field{Label: label, Note: note, Check: check}
}

// given wants something typed.
func given(what string) func(string) error {
	return func(v string) error {
		if strings.TrimSpace(v) == "" {
			return errors.New(what + " is missing")
		}
		return nil
	}
}

// typed wants a name typed as it is.
func typed(name string) func(string) error {
	return func(v string) error {
		if v != name {
			return errors.New("this is not its name; type " + component.Clean(name))
		}
		return nil
	}
}

func sized(v string) error {
	_, err := control.Size(strings.TrimSpace(v))
	return err
}

// lasts wants a duration, or nothing.
func lasts(v string) error {
	if v == "" {
		return nil
	}
	_, err := control.Duration(v)
	return err
}

const roleNote = "admin, system, bucket-admin, bucket-write or bucket-read; on a part: bucket-read:logs/2026/"

func (d *Change) addPeer() {
	d.title, d.verb = "Add a peer", "add"
	d.form.Fields = []*component.Field{
		field("Name", "of the user or the machine", given("the name")),
		field("Roles", "such as admin or bucket-read:logs/2026/, blanks between; empty: bucket-write on every bucket", nil),
	}
	d.build = func(v []string) *control.Change { return control.AddPeer(strings.TrimSpace(v[0]), v[1]) }
}

func (d *Change) peer(name keymap.Action, p coordinator.PeerInfo) {
	switch name {
	case keymap.PeerRotate:
		d.title, d.verb = "Another token for "+p.ID, "rotate"
		d.words = [][2]string{{"Then", "the new token is shown once, and the old one ends after the grace."}}
		d.form.Fields = []*component.Field{
			field("Grace", "how long the old token stays valid, as 24h or 7d; 0s ends it at once, empty is as configured", lasts),
		}
		d.build = func(v []string) *control.Change { return control.RotatePeer(p.ID, v[0]) }
	case keymap.PeerRemove:
		d.title, d.verb, d.tone = "Remove peer "+p.ID, "remove", component.Bad
		stays := "its workspaces, and their objects."
		if n := len(p.Buckets); n > 0 {
			stays = "its workspaces and its " + component.Plural(n, "bucket") + ", with every object."
		}
		d.words = [][2]string{{"Goes", "its token, roles, shares and the sessions of its mounts, at once."}, {"Stays", stays}}
		d.form.Fields = []*component.Field{field("Its name", "type "+p.Name+" to remove it", typed(p.Name))}
		d.build = func([]string) *control.Change { return control.RemovePeer(p.ID) }
	case keymap.RoleBind:
		d.title, d.verb = "A role for "+p.ID, "give"
		d.form.Fields = []*component.Field{field("Role", roleNote, given("the role"))}
		d.build = func(v []string) *control.Change { return control.Bind(p.ID, strings.TrimSpace(v[0])) }
	case keymap.RoleUnbind:
		d.unbind(p)
	}
}

func (d *Change) unbind(p coordinator.PeerInfo) {
	var roles []string
	for _, b := range p.Bindings {
		roles = append(roles, b.String())
	}
	find := func(role string) (coordinator.Binding, bool) {
		for _, b := range p.Bindings {
			if b.String() == strings.TrimSpace(role) {
				return b, true
			}
		}
		return coordinator.Binding{ID: "BINDING", Peer: p.ID}, false
	}
	d.title, d.verb, d.tone = "Take a role from "+p.ID, "take", component.Warn
	d.words = [][2]string{{"Has", strings.Join(roles, "  ")}}
	f := field("Role", "one that it has; it ends at once", func(v string) error {
		if _, ok := find(v); !ok {
			return errors.New("it has no such role")
		}
		return nil
	})
	if len(roles) == 1 {
		f.Input.SetValue(roles[0])
	}
	d.form.Fields = []*component.Field{f}
	d.build = func(v []string) *control.Change {
		b, _ := find(v[0])
		return control.Unbind(b)
	}
}

const quotaNote = "as 500MB or 10GB, in powers of 1024; empty is unlimited"

func (d *Change) createBucket(admin bool) {
	d.title, d.verb = "New bucket", "create"
	d.form.Fields = []*component.Field{field("Name", "3 to 63 of a-z, 0-9, . and -", given("the name"))}
	if admin {
		d.form.Fields = append(d.form.Fields, field("Quota", quotaNote, sized))
	}
	d.build = func(v []string) *control.Change {
		return control.CreateBucket(strings.TrimSpace(v[0]), strings.TrimSpace(strings.Join(v[1:], "")))
	}
}

// above wants a quota that what is there fits in.
func above(used int64) func(string) error {
	return func(v string) error {
		n, err := control.Size(strings.TrimSpace(v))
		if err == nil && n > 0 && n < used {
			err = fmt.Errorf("it holds %s already; delete something first", component.Bytes(used))
		}
		return err
	}
}

func (d *Change) quota(what string, quota, used int64, build func(quota string) *control.Change) {
	d.title, d.verb = "Quota of "+what, "set"
	now := "unlimited"
	f := field("Quota", quotaNote, above(used))
	if quota > 0 {
		now = component.Bytes(quota)
		f.Input.SetValue(sizeWord(quota))
	}
	d.words = [][2]string{{"Now", now}, {"Holds", component.Bytes(used)}}
	d.form.Fields = []*component.Field{f}
	d.build = func(v []string) *control.Change {
		if n, err := control.Size(strings.TrimSpace(v[0])); err == nil && n == 0 {
			return build("")
		}
		return build(strings.TrimSpace(v[0]))
	}
}

// sizeWord is a size as control.Size reads it, to the byte.
func sizeWord(n int64) string {
	for i, unit := range []string{"TB", "GB", "MB", "KB"} {
		if size := int64(1) << (40 - 10*i); n%size == 0 {
			return fmt.Sprintf("%d%s", n/size, unit)
		}
	}
	return fmt.Sprintf("%d", n)
}

func (d *Change) workspaceQuota(w workspace.Workspace) {
	used := int64(0)
	if w.Usage != nil {
		used = w.Usage.Total()
	}
	d.quota("workspace "+w.Name, w.Quota, used, func(q string) *control.Change { return control.WorkspaceQuota(w.Name, q) })
}

func (d *Change) bucket(name keymap.Action, b coordinator.Bucket) {
	switch name {
	case keymap.BucketQuota:
		d.quota("bucket "+b.Name, b.Quota, b.Used, func(q string) *control.Change { return control.BucketQuota(b.Name, q) })
	case keymap.BucketRecycle:
		d.title, d.verb = "Recycle bin of bucket "+b.Name, "set"
		d.words = [][2]string{{"Now", KeptText(b.Recycle)}}
		d.form.Fields = []*component.Field{field("Keep", "deleted objects for so long, as 24h or 7d; empty: they are gone for good", func(v string) error {
			if v == "off" {
				return nil
			}
			return lasts(v)
		})}
		d.build = func(v []string) *control.Change { return control.Recycle(b.Name, v[0]) }
	case keymap.BucketDelete:
		d.title, d.verb, d.tone = "Delete bucket "+b.Name, "delete", component.Bad
		goes := "the bucket, which is empty."
		if b.Objects > 0 {
			goes = fmt.Sprintf("the bucket and its %s (%s), for good.", component.Plural(int(b.Objects), "object"), component.Bytes(b.Used))
		}
		d.words = [][2]string{{"Goes", goes}, {"Stays", "nothing; its recycle bin goes too."}}
		d.form.Fields = []*component.Field{field("Its name", "type "+b.Name+" to delete it", typed(b.Name))}
		d.build = func([]string) *control.Change { return control.DeleteBucket(b.Name, b.Objects > 0) }
	}
}

func (d *Change) createShare(bucket string) {
	d.title, d.verb = "New share", "share"
	d.words = [][2]string{{"Then", "the keys of its guests are shown once. They list and read, and nothing else."}}
	place := field("Place", "BUCKET, or BUCKET/PREFIX", given("the bucket"))
	place.Input.SetValue(bucket)
	d.form.Fields = []*component.Field{
		field("Name", "of the share", given("the name")),
		place,
		field("Expires", "after 24h or 7d; empty: when it is revoked", lasts),
	}
	d.build = func(v []string) *control.Change {
		return control.CreateShare(strings.TrimSpace(v[0]), strings.TrimSpace(v[1]), v[2])
	}
}

func (d *Change) purge(w workspace.Workspace) {
	d.title, d.verb, d.tone = "Purge workspace "+w.Name, "purge", component.Bad
	goes := "the workspace, for good."
	if w.Backend == workspace.Managed {
		goes = "the workspace and its objects, for good."
		if w.Usage != nil {
			goes = fmt.Sprintf("the workspace and its %s (%s), for good.", component.Plural(int(w.Usage.Objects), "object"), component.Bytes(w.Usage.Bytes))
		}
	}
	stays := "nothing."
	if w.Backend != workspace.Managed {
		stays = "every object in " + w.Location() + "."
	}
	d.words = [][2]string{{"Goes", goes}, {"Stays", stays}}
	d.form.Fields = []*component.Field{field("Its name", "type "+w.Name+" to remove it for good", typed(w.Name))}
	d.build = func([]string) *control.Change { return control.PurgeWorkspace(w.ID, w.Name) }
}

func (d *Change) backup() {
	d.title, d.verb = "Back up the control state", "write"
	d.words = [][2]string{{"Holds", "peers and their tokens, roles, buckets, workspaces, shares; not the objects."}}
	path := field("File", "a new file, mode 0600", func(v string) error {
		if p := d.path(v); p == "" || !filepath.IsAbs(p) {
			return errors.New("the path begins with / or ~/")
		}
		return nil
	})
	path.Input.SetValue("~/artifacts-" + d.s.Now.Format("2006-01-02") + ".backup")
	pass := field("Passphrase", "encrypts it; empty: it is not encrypted", nil)
	pass.Input.Secret = true
	d.form.Fields = []*component.Field{path, pass}
	d.build = func(v []string) *control.Change {
		return control.Backup(d.path(v[0]), keyring.NewSecret(v[1]), d.s.Home)
	}
}

// path is a typed path, absolute where it begins with ~/.
func (d *Change) path(v string) string {
	v = strings.TrimSpace(v)
	if rest, ok := strings.CutPrefix(v, "~/"); ok {
		v = filepath.Join(d.s.Home, rest)
	}
	if v == "" {
		return ""
	}
	return filepath.Clean(v)
}

func (d *Change) bandwidth(m *mounts.Status) {
	at := component.Home(m.Mountpoint, d.s.Home)
	d.title, d.verb = "Bandwidth of "+at, "set"
	d.words = [][2]string{{"Now", mounts.BandwidthText(m.Options.Bandwidth)}}
	d.form.Fields = []*component.Field{field("Rate", "10M is 10 MiB/s each way, 1M:512k is up:down; empty or off: no bound", func(v string) error {
		if v == "" {
			return nil
		}
		_, err := mounts.ParseBandwidth(v)
		return err
	})}
	d.build = func(v []string) *control.Change { return control.Bandwidth(m.Mountpoint, v[0], d.s.Home) }
}

// KeptText says how long deleted objects are kept.
func KeptText(seconds int64) string {
	if seconds == 0 {
		return "deleted objects are gone for good"
	}
	return "deleted objects are kept for " + control.DurationWord(seconds)
}
