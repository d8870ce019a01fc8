package coordinator

import (
	"context"
	"slices"
	"strings"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/authn"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// Bind is the body of POST /v1/bindings. Workspace names a managed workspace instead of a
// bucket and a prefix.
type Bind struct {
	Peer string `json:"peer"` // id or name
	authn.Grant
	Workspace string `json:"workspace,omitempty"`
}

// checkGrant refuses a role that does not exist, or that is bound to what it cannot be.
func checkGrant(g authn.Grant) error {
	switch {
	case !slices.Contains(authn.Roles, g.Role):
		return fault.New(fault.Usage, "the roles are "+roleNames(), "unknown role %q", g.Role)
	case !g.Role.OfBucket() && (g.Bucket != "" || g.Prefix != ""):
		return fault.New(fault.Usage, "leave the bucket out", "the role %s is not bound to a bucket", g.Role)
	case g.Role.OfBucket() && g.Bucket == "":
		return fault.New(fault.Usage, "give a bucket, or * for all of them", "the role %s is bound to a bucket", g.Role)
	case store.Reserved(g.Bucket):
		return fault.New(fault.Usage, "the system role reads them; for a managed workspace give its name", "bucket %s is the coordinator's own", g.Bucket)
	case g.Bucket != "" && g.Bucket != authn.AllBuckets && store.CheckBucketName(g.Bucket) != nil:
		return fault.New(fault.Usage, "a bucket's name has 3 to 63 of a-z, 0-9, . and -", "%q is not a bucket's name", g.Bucket)
	case len(g.Prefix) > store.MaxKey || strings.ContainsRune(g.Prefix, 0):
		return fault.New(fault.Usage, "a prefix is the beginning of a key", "the prefix is not one")
	}
	return nil
}

func roleNames() string {
	names := make([]string, len(authn.Roles))
	for i, r := range authn.Roles {
		names[i] = string(r)
	}
	return strings.Join(names, ", ")
}

// Bind gives a peer a role; the same one twice is one binding.
func (o *Orchestrator) Bind(ctx context.Context, req Bind) (Binding, error) {
	var made Binding
	err := o.change(ctx, func(ctx context.Context, c *control) error {
		p, err := c.peer(req.Peer)
		if err != nil {
			return err
		}
		if req.Workspace == "" {
			err = checkGrant(req.Grant)
		} else {
			err = o.grantOnWorkspace(c, &req)
		}
		if err != nil {
			return err
		}
		for _, b := range c.bindings {
			if b.Peer == p.ID && b.Grant == req.Grant {
				made = b
				return nil
			}
		}
		made = Binding{ID: randomHex(4), Peer: p.ID, Grant: req.Grant, Created: o.stamp()}
		return c.putBinding(ctx, made)
	})
	return made, err
}

// grantOnWorkspace turns a workspace's name into its bucket and prefix.
func (o *Orchestrator) grantOnWorkspace(c *control, req *Bind) error {
	w, ok := c.byName(req.Workspace)
	switch {
	case !ok:
		return noWorkspace(req.Workspace)
	case w.Backend != workspace.Managed:
		return fault.New(fault.Usage, "its bucket is what a role is bound to", "workspace %q is %s", w.Name, w.Backend)
	case req.Role != authn.RoleBucketRead && req.Role != authn.RoleBucketWrite:
		return fault.New(fault.Usage, "bucket-read mounts it read-only, bucket-write mounts it", "the role %s is not bound to a workspace", req.Role)
	case req.Bucket != "" || req.Prefix != "":
		return fault.New(fault.Usage, "give one of them", "a role is bound to a bucket or to a workspace")
	}
	req.Bucket, req.Prefix = w.Bucket, w.Prefix
	return nil
}

// Unbind takes a role away.
func (o *Orchestrator) Unbind(ctx context.Context, id string) (Binding, error) {
	var gone Binding
	err := o.change(ctx, func(ctx context.Context, c *control) error {
		b, ok := c.bindings[id]
		if !ok {
			return fault.New(fault.NotFound, "`artifacts-tui role list` shows those there are", "there is no binding %q", id)
		}
		gone = b
		if err := c.keepsAnAdmin(func(other Binding) bool { return other.ID != id }, c.peers[b.Peer].Name); err != nil {
			return err
		}
		return drop(ctx, c, bindingsPrefix, id, c.bindings)
	})
	return gone, err
}

// keepsAnAdmin refuses to take away the last admin of the mesh, whose name is who.
func (c *control) keepsAnAdmin(keep func(Binding) bool, who string) error {
	before, after := 0, 0
	for _, b := range c.bindings {
		if _, known := c.peers[b.Peer]; b.Role != authn.RoleAdmin || !known {
			continue
		}
		before++
		if keep(b) {
			after++
		}
	}
	if before > 0 && after == 0 {
		return fault.New(fault.Conflict, "give another peer the role first: `artifacts-tui role bind PEER admin`", "%q is the last admin", who)
	}
	return nil
}

// Bindings lists them by peer.
func (o *Orchestrator) Bindings() []Binding {
	o.mu.RLock()
	defer o.mu.RUnlock()
	list := make([]Binding, 0, len(o.state.bindings))
	for _, b := range o.state.bindings {
		list = append(list, b)
	}
	sortBindings(list)
	return list
}

func sortBindings(list []Binding) {
	slices.SortFunc(list, func(a, b Binding) int {
		return strings.Compare(a.Peer+"\x00"+a.String()+a.ID, b.Peer+"\x00"+b.String()+b.ID)
	})
}
