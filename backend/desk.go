package backend

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator/client"
	"github.com/artifacts-tui/artifacts-tui/backend/jobs"
	"github.com/artifacts-tui/artifacts-tui/backend/objects"
)

// Desk is an App with what a person who stays keeps open: stores, and jobs.
type Desk struct {
	*App
	places *Places
	jobs   *jobs.Manager
}

// jobsAtOnce bounds the jobs that run side by side; each moves many objects at once.
const jobsAtOnce = 3

// Desk opens nothing yet. The caller closes it.
func (a *App) Desk() *Desk {
	return &Desk{App: a, places: a.Places(PlaceOptions{}), jobs: jobs.New(jobsAtOnce)}
}

// Close drops the connections.
func (d *Desk) Close() { d.places.Close() }

// Jobs are those of this desk.
func (d *Desk) Jobs() *jobs.Manager { return d.jobs }

// WatchJobs sends the state of each job that changes, until ctx ends.
func (d *Desk) WatchJobs(ctx context.Context) <-chan jobs.Job { return d.jobs.Subscribe(ctx) }

func (d *Desk) control(ctx context.Context, f func(*client.Client) error) error {
	c, err := d.Control(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	return f(c)
}

// Buckets are those of the mesh that the user may see.
func (d *Desk) Buckets(ctx context.Context) (list []coordinator.Bucket, err error) {
	err = d.control(ctx, func(c *client.Client) error { list, err = c.Buckets(ctx); return err })
	return list, err
}

func (d *Desk) store(ctx context.Context, at objects.Name, write bool) (*objects.Store, error) {
	p, err := d.places.Open(ctx, at, write)
	return p.Store, err
}

// ListObjects calls page with each page of what is in a folder, as it arrives.
func (d *Desk) ListObjects(ctx context.Context, folder objects.Name, page func([]objects.Object) error) error {
	s, err := d.store(ctx, folder, false)
	if err != nil {
		return err
	}
	return s.List(ctx, folder.Path, "/", page)
}

// LookObject tells all that a store tells of an object.
func (d *Desk) LookObject(ctx context.Context, at objects.Name) (objects.Info, error) {
	s, err := d.store(ctx, at, false)
	if err != nil {
		return objects.Info{}, err
	}
	return s.Look(ctx, at.Path)
}

// ReadObject returns up to n bytes at off.
func (d *Desk) ReadObject(ctx context.Context, at objects.Name, off, n int64) ([]byte, error) {
	s, err := d.store(ctx, at, false)
	if err != nil {
		return nil, err
	}
	b, _, err := s.Read(ctx, at.Path, off, n)
	return b, err
}

// ShareObject makes a link to read an object.
func (d *Desk) ShareObject(ctx context.Context, at objects.Name, life time.Duration) (objects.Link, error) {
	s, err := d.store(ctx, at, false)
	if err != nil {
		return objects.Link{}, err
	}
	return s.Share(ctx, at.Path, life, false)
}

// TransferKind is what a Transfer does.
type TransferKind string

// The kinds.
const (
	Upload   TransferKind = "upload"
	Download TransferKind = "download"
	CopyTo   TransferKind = "copy"
	MoveTo   TransferKind = "move"
	Remove   TransferKind = "delete"
)

// Transfer is what a job does to objects. A name that ends in "/" stands for the folder and
// all that is in it.
type Transfer struct {
	Kind  TransferKind
	From  []objects.Name
	To    objects.Name
	Local []string // what is uploaded; of a download the one place it goes to
}

// Transfer is the work of a job.
func (d *Desk) Transfer(t Transfer) jobs.Func {
	return func(ctx context.Context, p *jobs.Progress) error {
		var plain, deep []objects.Name
		for _, n := range t.From {
			if strings.HasSuffix(n.Path, "/") || n.Path == "" {
				deep = append(deep, n)
			} else {
				plain = append(plain, n)
			}
		}
		for _, path := range t.Local {
			if t.Kind == Upload {
				deep = append(deep, objects.Name{Kind: objects.Local, Path: path})
			}
		}
		// A folder may have the name of an object beside it: each is asked for as what it is.
		for i, names := range [][]objects.Name{plain, deep} {
			if len(names) == 0 {
				continue
			}
			if err := d.transfer(ctx, t, names, i > 0, p); err != nil {
				return err
			}
		}
		return nil
	}
}

func (d *Desk) transfer(ctx context.Context, t Transfer, names []objects.Name, deep bool, p *jobs.Progress) error {
	r := objects.Request{Recursive: deep, Move: t.Kind == MoveTo, Resume: d.ResumeDir(), Report: p}
	for _, n := range names {
		if n.Remote() {
			n.Path = objects.Escape(n.Path)
			if t.Kind != Remove { // without the slash the folder goes along, and not just what is in it
				n.Path = strings.TrimSuffix(n.Path, "/")
			}
		}
		from, err := d.places.Open(ctx, n, t.Kind == MoveTo || t.Kind == Remove)
		if err != nil {
			return err
		}
		r.From = append(r.From, from)
	}
	if t.Kind == Remove {
		_, err := objects.Delete(ctx, r)
		return err
	}
	to := t.To
	if t.Kind == Download {
		to = objects.Name{Kind: objects.Local, Path: t.Local[0]}
	} else {
		to.Path = objects.Escape(to.Path)
	}
	var err error
	if r.To, err = d.places.Open(ctx, to, true); err != nil {
		return err
	}
	_, err = objects.Copy(ctx, r)
	return err
}

// LocalPaths are the paths of this machine that begin with text, in order; those of folders end
// in "/". What begins with a dot is left out unless it was typed.
func (d *Desk) LocalPaths(text string) []string {
	dir, name := filepath.Split(text)
	list, err := os.ReadDir(cmp.Or(dir, "."))
	if err != nil {
		return nil
	}
	var found []string
	for _, e := range list {
		if !strings.HasPrefix(e.Name(), name) || strings.HasPrefix(e.Name(), ".") && name == "" {
			continue
		}
		path := dir + e.Name()
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			path += "/"
		}
		found = append(found, path)
	}
	return found
}
