package page

import (
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/ui/action"
	"github.com/artifacts-tui/artifacts-tui/ui/commandline"
	"github.com/artifacts-tui/artifacts-tui/ui/control"
	"github.com/artifacts-tui/artifacts-tui/ui/keymap"
	"github.com/artifacts-tui/artifacts-tui/ui/session"
)

// What is done to buckets is the same in the browser and on the coordinator's page.

// refuseBucket says why an action on bucket b cannot work; "" where it can. b is nil where none is
// selected.
func refuseBucket(s *session.Session, b *coordinator.Bucket, a keymap.Action) string {
	st := plane(s)
	switch a {
	case keymap.BucketCreate:
		if reason := unknown(s); reason != "" || st.MayCreateBuckets() {
			return reason
		}
		return "your roles make no buckets: ask an admin of the mesh for bucket-write on all of them"
	case keymap.BucketQuota, keymap.BucketRecycle, keymap.BucketBin, keymap.BucketDelete:
	default:
		return ""
	}
	switch reason := unknown(s); {
	case reason != "":
		return reason
	case b == nil:
		return "no bucket is selected"
	case store.Reserved(b.Name):
		return b.Name + " is the coordinator's own: it holds what managed workspaces and the control state are made of"
	case a == keymap.BucketQuota && !st.MayBound(*b):
		return "only an admin of the mesh, or who was bound to it as bucket-admin, sets its quota"
	case (a == keymap.BucketDelete || a == keymap.BucketRecycle) && !st.MayManage(b.Name):
		return "its owner, its bucket-admins and the admins of the mesh may"
	}
	return ""
}

// onBucket opens the dialog of an action on the bucket called name; nil where a is none.
func onBucket(name string, a keymap.Action) action.Action {
	switch a {
	case keymap.BucketCreate:
		return action.OpenControl{Name: a}
	case keymap.BucketQuota, keymap.BucketRecycle, keymap.BucketBin, keymap.BucketDelete:
		if name != "" {
			return action.OpenControl{Name: a, ID: name}
		}
	}
	return nil
}

// bucketLine is the command line of an action on b, which may be nil; "" where a is none.
func bucketLine(b *coordinator.Bucket, a keymap.Action) string {
	name, full := "NAME", false
	if b != nil {
		name, full = b.Name, b.Objects > 0
	}
	switch a {
	case keymap.BucketCreate:
		return control.CreateBucket("", "").Line
	case keymap.BucketQuota:
		return control.BucketQuota(name, "SIZE").Line
	case keymap.BucketRecycle:
		return control.Recycle(name, "DURATION").Line
	case keymap.BucketBin:
		return commandline.Line("", "bucket", "deleted", name)
	case keymap.BucketDelete:
		return control.DeleteBucket(name, full).Line
	}
	return ""
}
