package backend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/workspace"
	"github.com/artifacts-tui/artifacts-tui/internal/atomicfile"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
	"github.com/artifacts-tui/artifacts-tui/keyring"
	"github.com/artifacts-tui/artifacts-tui/mounts"
)

// Workspaces lists those that are not deleted, by name.
func (a *App) Workspaces(ctx context.Context) ([]workspace.Workspace, error) {
	link, err := a.connect(ctx)
	if err != nil {
		return nil, err
	}
	defer link.Close()
	list, err := link.Workspaces(ctx)
	if err == nil && !a.opt.Offhand {
		a.remember(list)
	}
	return list, err
}

// Workspace returns one by name.
func (a *App) Workspace(ctx context.Context, name string) (workspace.Workspace, error) {
	if err := workspace.CheckName(name); err != nil {
		return workspace.Workspace{}, err
	}
	link, err := a.connect(ctx)
	if err != nil {
		return workspace.Workspace{}, err
	}
	defer link.Close()
	return link.Workspace(ctx, name)
}

// CreateWorkspace makes a workspace, or ends what an earlier call began. The
// lines it returns are for the user: what was cached where (SPEC A16).
func (a *App) CreateWorkspace(ctx context.Context, req CreateRequest) (workspace.Workspace, []string, error) {
	var none workspace.Workspace
	if req.Backend == "" {
		req.Backend = workspace.Managed
	}
	if err := workspace.CheckName(req.Name); err != nil {
		return none, nil, err
	}
	if req.Quota != 0 && req.Backend != workspace.Managed {
		return none, nil, fault.New(fault.Usage, "leave --quota out", "a quota bounds managed workspaces alone")
	}
	switch req.Backend {
	case workspace.Managed:
		if req.CredentialProfile != "" {
			return none, nil, fault.New(fault.Usage, "leave --profile out, or give --backend byo", "a managed workspace has credentials of the coordinator's")
		}
		link, err := a.connect(ctx)
		if err != nil {
			return none, nil, err
		}
		defer link.Close()
		w, err := link.Create(ctx, coordinator.CreateWorkspace{Name: req.Name, Backend: req.Backend, Quota: req.Quota})
		return w, nil, err
	case workspace.BYO:
		return a.createBYO(ctx, req)
	case workspace.Mesh:
		w, err := a.createMesh(ctx, req)
		return w, nil, err
	default:
		return none, nil, fault.New(fault.Usage, "--backend is managed, byo or mesh", "unknown backend %q", req.Backend)
	}
}

// createBYO proves bucket and keys before the coordinator hears of them, and
// tells it nothing secret (SPEC A31).
func (a *App) createBYO(ctx context.Context, req CreateRequest) (workspace.Workspace, []string, error) {
	var none workspace.Workspace
	stored := a.fillFromEnvironment(&req)
	if err := a.missing(req); err != nil {
		return none, nil, err
	}
	if err := keyring.CheckEndpoint(req.Endpoint); err != nil {
		return none, nil, err
	}
	if strings.ContainsFunc(req.Region, func(r rune) bool { return r <= ' ' || r == '/' || r == '@' || r > '~' }) {
		return none, nil, fault.New(fault.Usage, "a region looks like eu-west-2, or is auto", "%q is not a region", req.Region)
	}
	if req.CredentialProfile != "" { // it is bound in the end, whoever's pair is used now
		if _, err := a.profiles.Get(req.CredentialProfile); err != nil {
			return none, nil, err
		}
	}
	creds, err := a.credentials(ctx, req.Credentials, req.CredentialProfile, req.Region)
	if err != nil {
		return none, nil, err
	}
	if req.Prefix, err = folder(req.Prefix); err != nil {
		return none, nil, err
	}
	err = mounts.Check(ctx, mounts.Spec{
		Endpoint: req.Endpoint, Bucket: req.Bucket, Prefix: req.Prefix, Region: creds.SigningRegion(), Web: a.web(),
	}, creds.Credentials)
	if err != nil {
		return none, nil, err
	}
	link, err := a.connect(ctx)
	if err != nil {
		return none, nil, err
	}
	defer link.Close()
	_, err = link.Create(ctx, coordinator.CreateWorkspace{
		Name: req.Name, Backend: workspace.BYO, Bucket: req.Bucket, Endpoint: req.Endpoint, Region: stored, Prefix: req.Prefix,
	})
	if err != nil {
		return none, nil, err
	}
	w, err := link.Activate(ctx, req.Name)
	if err == nil && req.CredentialProfile != "" {
		err = a.profiles.Bind(w.ID, req.CredentialProfile)
	}
	if err != nil || req.NoCache || creds.PairSource != keyring.FromEnv {
		return w, nil, err
	}
	lines, err := a.cacheCredentials(creds)
	return w, lines, err
}

// createMesh takes a bucket of the mesh's store, once the peer has shown that it may list it. No
// variable has a say in it (SPEC A3, A5b).
func (a *App) createMesh(ctx context.Context, req CreateRequest) (workspace.Workspace, error) {
	var none workspace.Workspace
	switch {
	case req.Bucket == "":
		return none, fault.New(fault.Usage, "give --bucket", "a mesh workspace needs a bucket of the mesh's store")
	case req.Endpoint != "" || req.Region != "" || req.CredentialProfile != "" || req.Credentials.AccessKeyID != "":
		return none, fault.New(fault.Usage, "leave them out, or give --backend byo", "a mesh workspace has no endpoint, region or credentials but those of the coordinator")
	}
	if err := coordinator.CheckMeshBucket(req.Bucket); err != nil {
		return none, err
	}
	prefix, err := folder(req.Prefix)
	if err != nil {
		return none, err
	}
	link, err := a.connect(ctx)
	if err != nil {
		return none, err
	}
	defer link.Close()
	found, err := link.peerCredentials(ctx)
	if err != nil {
		return none, err
	}
	create := coordinator.CreateWorkspace{Name: req.Name, Backend: workspace.Mesh, Bucket: req.Bucket, Prefix: prefix}
	spec := mounts.Spec{Bucket: create.Bucket, Prefix: create.Prefix, Region: keyring.DefaultRegion, Web: a.web()}
	link.reach(&spec)
	if err := mounts.Check(ctx, spec, found.Credentials); err != nil {
		if fault.Is(err, fault.NotFound) {
			err = fault.New(fault.NotFound, "make it first: `artifacts-tui bucket create "+create.Bucket+"`",
				"the mesh's store has no bucket %q", create.Bucket)
		}
		return none, err
	}
	return link.Create(ctx, create)
}

// folder is a prefix as it is kept: without a slash before it and with one after it. What no
// directory can be called is refused: a mount could not tell its files from those beside it.
func folder(prefix string) (string, error) {
	if prefix = strings.Trim(prefix, "/"); prefix == "" {
		return "", nil
	}
	for _, name := range strings.Split(prefix, "/") {
		if name == "" || name == "." || name == ".." || strings.ContainsRune(name, 0) || !utf8.ValidString(name) {
			return "", fault.New(fault.Usage, "write it as team/train, without empty names, . and ..", "%q is not a prefix", prefix)
		}
	}
	return prefix + "/", nil
}

// fillFromEnvironment applies the variables behind the flags (SPEC A4) and
// returns the region to record: ARTIFACTS_S3_REGION belongs to the credentials
// and is cached with them, not recorded.
func (a *App) fillFromEnvironment(req *CreateRequest) (recorded string) {
	fill := func(field *string, variables ...string) {
		for _, v := range variables {
			if *field == "" {
				*field = a.opt.Getenv(v)
			}
		}
	}
	fill(&req.Bucket, "ARTIFACTS_S3_BUCKET")
	fill(&req.Endpoint, "ARTIFACTS_S3_ENDPOINT")
	fill(&req.Prefix, "ARTIFACTS_S3_PREFIX")
	if req.Region == "" && a.opt.Getenv(keyring.EnvRegion) != "" {
		return ""
	}
	fill(&req.Region, "AWS_REGION", "AWS_DEFAULT_REGION")
	return req.Region
}

// missing names what byo still needs, flag and variable both (SPEC A5).
func (a *App) missing(req CreateRequest) error {
	var flags []string
	for _, f := range []struct{ value, name string }{
		{req.Bucket, "--bucket (ARTIFACTS_S3_BUCKET)"},
		{req.Endpoint, "--endpoint (ARTIFACTS_S3_ENDPOINT)"},
	} {
		if f.value == "" {
			flags = append(flags, f.name)
		}
	}
	if len(flags) == 0 {
		return nil
	}
	return fault.New(fault.Usage, "give the flag or set the variable in brackets",
		"a byo workspace needs %s", strings.Join(flags, " and "))
}

// credentials are those of a form where it gave some, else the chain's (SPEC A15).
func (a *App) credentials(ctx context.Context, given keyring.Credentials, profile, region string) (keyring.Resolved, error) {
	if given.AccessKeyID != "" || !given.SecretAccessKey.IsZero() {
		if !given.Complete() {
			return keyring.Resolved{}, fault.New(fault.Usage, "fill in both", "access key id and secret access key belong together")
		}
		if err := given.Validate(); err != nil {
			return keyring.Resolved{}, fault.Wrap(fault.Usage, err, "paste it again", "credentials refused")
		}
		if given.Region == "" {
			given.Region = region
		}
		return keyring.Resolved{Credentials: given, PairSource: keyring.FromEnv, RegionSource: keyring.FromEnv}, nil
	}
	chain, err := a.credentialChain(profile, "", region)
	if err != nil {
		return keyring.Resolved{}, err
	}
	return a.resolve(ctx, chain)
}

// cacheCredentials keeps what a successful create used (SPEC A16, A19).
func (a *App) cacheCredentials(r keyring.Resolved) ([]string, error) {
	if err := a.ensureRoot(a.opt.Roots.Config, ""); err != nil {
		return nil, err
	}
	err := a.cache.Update(func(c *keyring.Entry) error {
		if c.AccessKeyID != "" && c.AccessKeyID != r.AccessKeyID {
			a.opt.Notify(fmt.Sprintf("warning: replacing the cached credentials of %s with those of %s",
				keyring.Mask(c.AccessKeyID), keyring.Mask(r.AccessKeyID)))
		}
		c.AccessKeyID, c.SecretAccessKey, c.SessionToken = r.AccessKeyID, r.SecretAccessKey, r.SessionToken
		if r.RegionSource == keyring.FromEnv && r.Region != "" {
			c.Region = r.Region
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return []string{
		fmt.Sprintf("Cached BYO credentials at %s (mode 0600);", a.cache.Path),
		"future mounts will use them automatically.",
	}, nil
}

// DeletableWorkspace returns a workspace that can be deleted: it is not mounted on this machine.
func (a *App) DeletableWorkspace(ctx context.Context, name string) (workspace.Workspace, error) {
	w, err := a.Workspace(ctx, name)
	if err != nil {
		return w, err
	}
	list, err := a.mounts.List(ctx)
	if err != nil {
		return w, err
	}
	for _, m := range list {
		if m.ID == w.ID && m.Unmounted {
			return w, fault.New(fault.Conflict, "run 'artifacts mount repair "+name+"' first", "workspace %q has changes that are not in the store yet", name)
		}
		if m.ID == w.ID {
			return w, fault.New(fault.Conflict, "run 'artifacts unmount "+m.Mountpoint+"' first", "workspace %q is mounted at %s", name, m.Mountpoint)
		}
	}
	return w, nil
}

// DeleteWorkspace ends a workspace that is not mounted on this machine. Its
// objects stay (SPEC C1).
func (a *App) DeleteWorkspace(ctx context.Context, name string) error {
	if _, err := a.DeletableWorkspace(ctx, name); err != nil {
		return err
	}
	link, err := a.connect(ctx)
	if err != nil {
		return err
	}
	defer link.Close()
	_, err = link.Delete(ctx, name)
	return err
}

// rememberedFile keeps the last list of a context for the first paint of the terminal app.
func (a *App) rememberedFile() string {
	name := "workspaces.json"
	if t, err := a.target(); err == nil && t.context.Name != "" {
		name = "workspaces-" + t.context.Name + ".json"
	}
	return filepath.Join(a.opt.Roots.State, name)
}

func (a *App) remember(list []workspace.Workspace) {
	if a.opt.ReadOnly {
		return
	}
	text, err := json.Marshal(list)
	if err != nil {
		return
	}
	if old, err := os.ReadFile(a.rememberedFile()); err == nil && string(old) == string(text) {
		return
	}
	_ = atomicfile.Write(a.rememberedFile(), text, 0o600) // only a convenience of the next start
}

// rememberOne makes sure that a workspace is known by name on this machine alone.
func (a *App) rememberOne(w workspace.Workspace) {
	list := a.Remembered()
	if !slices.ContainsFunc(list, func(have workspace.Workspace) bool { return have.ID == w.ID }) {
		a.remember(append(list, w))
	}
}

// Remembered is the list that this machine saw last, without asking anyone. It
// is empty where there is none.
func (a *App) Remembered() []workspace.Workspace {
	text, err := os.ReadFile(a.rememberedFile())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil
	}
	var list []workspace.Workspace
	if json.Unmarshal(text, &list) != nil {
		return nil
	}
	return list
}
