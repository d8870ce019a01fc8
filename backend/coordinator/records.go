package coordinator

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
)

// SystemBucket holds all control state and no client ever writes it (SPEC B14, B15).
const SystemBucket = store.SystemBucket

// ManagedBucket holds the data of managed workspaces, each under a prefix of its own.
// Its name is a reserved one: the scoped pairs that the coordinator issues open their
// prefixes, and no other peer reads, writes or takes the bucket (SPEC B28).
const ManagedBucket = "_managed"

// A record is one JSON object of the system bucket.
const (
	meshKey           = "mesh.json"    // who this coordinator is, and where it listens
	peersPrefix       = "peers/"       // <peer id>.json
	workspacesPrefix  = "workspaces/"  // <workspace id>.json
	credentialsPrefix = "credentials/" // <access key id>.json
)

// Mesh is the coordinator's own record.
type Mesh struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Address string    `json:"address,omitempty"` // host:port of the last start
}

// Peer is one user or machine of the mesh. Token is its mesh token: SigV4 needs
// the value itself, which is why only the system role reads this bucket.
type Peer struct {
	ID      string    `json:"id"` // the access key of the store (SPEC B6)
	Name    string    `json:"name"`
	Token   string    `json:"token"`
	Roles   []string  `json:"roles,omitempty"`
	Created time.Time `json:"created"`
}

// ScopedPair is a credential pair that opens one prefix of one bucket (SPEC B28).
type ScopedPair struct {
	AccessKeyID     string    `json:"access_key_id"`
	SecretAccessKey string    `json:"secret_access_key"`
	WorkspaceID     string    `json:"workspace_id"`
	Bucket          string    `json:"bucket"`
	Prefix          string    `json:"prefix"`
	ReadOnly        bool      `json:"read_only"`
	Created         time.Time `json:"created"`
}

// control is the control state: every record in memory, written through to the
// system bucket before it is believed. Its caller holds the lock.
type control struct {
	store      *store.Store
	mesh       Mesh
	peers      map[string]Peer
	tokens     map[string]string // token → peer id
	workspaces map[string]workspace.Workspace
	pairs      map[string]ScopedPair
}

func loadControl(ctx context.Context, s *store.Store) (*control, error) {
	c := &control{
		store: s, peers: map[string]Peer{}, tokens: map[string]string{},
		workspaces: map[string]workspace.Workspace{}, pairs: map[string]ScopedPair{},
	}
	if err := ensureBucket(ctx, s, SystemBucket); err != nil {
		return nil, err
	}
	err := eachRecord(ctx, s, func(key string) error {
		switch {
		case key == meshKey:
			return c.read(ctx, key, &c.mesh)
		case strings.HasPrefix(key, peersPrefix):
			var p Peer
			err := c.read(ctx, key, &p)
			c.peers[p.ID], c.tokens[p.Token] = p, p.ID
			return err
		case strings.HasPrefix(key, workspacesPrefix):
			var w workspace.Workspace
			err := c.read(ctx, key, &w)
			c.workspaces[w.ID] = w
			return err
		case strings.HasPrefix(key, credentialsPrefix):
			var p ScopedPair
			err := c.read(ctx, key, &p)
			c.pairs[p.AccessKeyID] = p
			return err
		}
		return nil
	})
	return c, err
}

func (c *control) read(ctx context.Context, key string, into any) error {
	body, err := readRecord(ctx, c.store, key)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("record %s of the system bucket is damaged: %w", key, err)
	}
	return nil
}

func (c *control) write(ctx context.Context, key string, record any) error {
	body, err := json.Marshal(record)
	if err != nil {
		return err
	}
	return writeRecord(ctx, c.store, key, body)
}

func (c *control) putMesh(ctx context.Context, m Mesh) error {
	if err := c.write(ctx, meshKey, m); err != nil {
		return err
	}
	c.mesh = m
	return nil
}

func (c *control) putPeer(ctx context.Context, p Peer) error {
	if err := c.write(ctx, peersPrefix+p.ID+".json", p); err != nil {
		return err
	}
	c.peers[p.ID], c.tokens[p.Token] = p, p.ID
	return nil
}

func (c *control) putWorkspace(ctx context.Context, w workspace.Workspace) error {
	if err := c.write(ctx, workspacesPrefix+w.ID+".json", w); err != nil {
		return err
	}
	c.workspaces[w.ID] = w
	return nil
}

func (c *control) putPair(ctx context.Context, p ScopedPair) error {
	if err := c.write(ctx, credentialsPrefix+p.AccessKeyID+".json", p); err != nil {
		return err
	}
	c.pairs[p.AccessKeyID] = p
	return nil
}

// dropPairs ends every pair of a workspace at once.
func (c *control) dropPairs(ctx context.Context, workspaceID string) error {
	for id, p := range c.pairs {
		if p.WorkspaceID != workspaceID {
			continue
		}
		if err := c.store.Delete(ctx, SystemBucket, credentialsPrefix+id+".json"); err != nil {
			return err
		}
		delete(c.pairs, id)
	}
	return nil
}

// byName finds a workspace that is not deleted.
func (c *control) byName(name string) (workspace.Workspace, bool) {
	for _, w := range c.workspaces {
		if w.Name == name && w.State != workspace.Deleted {
			return w, true
		}
	}
	return workspace.Workspace{}, false
}
