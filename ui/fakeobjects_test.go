package ui

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"slices"
	"sort"
	"strings"
	"time"

	"github.com/artifacts-tui/artifacts-tui/backend"
	"github.com/artifacts-tui/artifacts-tui/backend/coordinator"
	"github.com/artifacts-tui/artifacts-tui/backend/jobs"
	"github.com/artifacts-tui/artifacts-tui/backend/objects"
	"github.com/artifacts-tui/artifacts-tui/internal/fault"
)

// fakeObjects is what the fake's stores hold, by the places people write.
type fakeObjects struct {
	buckets   []coordinator.Bucket
	objects   map[string]string // place, content
	pageSize  int
	listErr   error
	jobs      *jobs.Manager
	transfers []backend.Transfer
	quotas    []coordinator.Quota
	paths     []string
	reads     []string // what was read, "place off+n"
	pages     int      // that were listed
}

func (f *fake) Buckets(ctx context.Context) ([]coordinator.Bucket, error) {
	if err := f.enter(ctx, "Buckets"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]coordinator.Bucket(nil), f.ob.buckets...), nil
}

func (f *fake) createBucket(req coordinator.NewBucket) (coordinator.Bucket, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := coordinator.Bucket{Name: req.Name, OwnerName: "ada", Created: start, Quota: req.Quota}
	f.ob.buckets = append(f.ob.buckets, b)
	return b, nil
}

func (f *fake) deleteBucket(name string) (coordinator.Bucket, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i, b := range f.ob.buckets {
		if b.Name == name {
			f.ob.buckets = slices.Delete(f.ob.buckets, i, i+1)
			return b, nil
		}
	}
	return coordinator.Bucket{Name: name}, nil
}

func (f *fake) setBucketQuota(name string, q coordinator.Quota) (coordinator.Bucket, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ob.quotas = append(f.ob.quotas, q)
	for i := range f.ob.buckets {
		if b := &f.ob.buckets[i]; b.Name == name {
			if q.Bytes > 0 && q.Bytes < b.Used {
				return *b, fault.New(fault.Conflict, "give a larger one, or --force", "bucket %s holds more", name)
			}
			b.Quota = q.Bytes
			return *b, nil
		}
	}
	return coordinator.Bucket{Name: name}, nil
}

func (f *fake) ListObjects(ctx context.Context, folder objects.Name, page func([]objects.Object) error) error {
	if err := f.enter(ctx, "ListObjects"); err != nil {
		return err
	}
	f.mu.Lock()
	size, failure := f.ob.pageSize, f.ob.listErr
	root := folder.At("").String()
	var list []objects.Object
	seen := map[string]bool{}
	for place, body := range f.ob.objects {
		key, ok := strings.CutPrefix(place, root)
		rest, below := strings.CutPrefix(key, folder.Path)
		if !ok || !below || rest == "" {
			continue
		}
		if name, _, deep := strings.Cut(rest, "/"); deep {
			if !seen[name] {
				seen[name] = true
				list = append(list, objects.Object{Key: folder.Path + name + "/", Prefix: true})
			}
			continue
		}
		list = append(list, objects.Object{Key: key, Size: int64(len(body)), Modified: start.Add(-time.Duration(len(body)) * time.Minute)})
	}
	f.mu.Unlock()
	sort.Slice(list, func(a, b int) bool { return list[a].Key < list[b].Key })
	for len(list) > 0 {
		n := min(size, len(list))
		f.mu.Lock()
		f.ob.pages++
		f.mu.Unlock()
		if err := page(list[:n]); err != nil {
			return err
		}
		list = list[n:]
	}
	return failure
}

func (f *fake) LookObject(ctx context.Context, at objects.Name) (objects.Info, error) {
	if err := f.enter(ctx, "LookObject"); err != nil {
		return objects.Info{}, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	body, ok := f.ob.objects[at.String()]
	if !ok {
		return objects.Info{}, fault.New(fault.NotFound, "", "%s: there is no such object", at)
	}
	return objects.Info{
		Object:      objects.Object{Key: at.Path, Size: int64(len(body)), Modified: start.Add(-time.Hour), ETag: "9e107d9d372bb6826bd81d3542a419d6"},
		ContentType: "text/plain", Metadata: map[string]string{"author": "ada"}, Tags: map[string]string{"stage": "draft"},
		Checksums: map[string]string{"crc32c": "yZRlqg=="},
	}, nil
}

func (f *fake) ReadObject(ctx context.Context, at objects.Name, off, n int64) ([]byte, error) {
	if err := f.enter(ctx, "ReadObject"); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ob.reads = append(f.ob.reads, fmt.Sprintf("%s %d+%d", at, off, n))
	body := f.ob.objects[at.String()]
	return []byte(body[off:min(off+n, int64(len(body)))]), nil
}

func (f *fake) ShareObject(ctx context.Context, at objects.Name, life time.Duration) (objects.Link, error) {
	if err := f.enter(ctx, "ShareObject"); err != nil {
		return objects.Link{}, err
	}
	return objects.Link{URL: "http://127.0.0.1:8080/" + at.String() + "?X-Amz-Signature=" + testToken, Method: "GET", Place: at.String(), Expires: start.Add(life)}, nil
}

func (f *fake) LocalPaths(text string) []string {
	var found []string
	for _, p := range f.ob.paths {
		if strings.HasPrefix(p, text) {
			found = append(found, p)
		}
	}
	return found
}

func (f *fake) Jobs() *jobs.Manager { return f.ob.jobs }

// WatchJobs tells nothing: tests say what has happened.
func (f *fake) WatchJobs(ctx context.Context) <-chan jobs.Job {
	if f.live {
		return f.ob.jobs.Subscribe(ctx)
	}
	none := make(chan jobs.Job)
	close(none)
	return none
}

// Transfer is a job that moves 64 MiB in small steps, or is done at once where drainPause is 0.
func (f *fake) Transfer(t backend.Transfer) jobs.Func {
	return func(ctx context.Context, p *jobs.Progress) error {
		f.mu.Lock()
		f.ob.transfers = append(f.ob.transfers, t)
		if t.Kind == backend.Remove {
			for _, n := range t.From {
				delete(f.ob.objects, n.String())
			}
		}
		step := f.drainPause / 20
		f.mu.Unlock()
		if step == 0 {
			return nil
		}
		const steps = 2000
		p.Expect(1, steps*32<<10, false)
		for range steps {
			if err := pause(ctx, step); err != nil {
				return err
			}
			p.Advance(32 << 10)
		}
		p.Finish()
		return nil
	}
}

// withObjects is aFew with something to browse.
func withObjects() *fake {
	f := aFew()
	f.hasPlane, f.plane.who = true, coordinator.WhoAmI{Peer: "ada-0001", Name: "ada", Admin: true}
	f.ob.buckets = []coordinator.Bucket{
		{Name: "build-artifacts", OwnerName: "ci", Created: start, Used: 851443712, Objects: 10498, Quota: 1 << 30},
		{Name: "datasets", OwnerName: "ada", Created: start, Used: 42949672960, Objects: 3120, Quota: 100 << 30},
		{Name: "logs", OwnerName: "ada", Created: start, Used: 9 << 20, Objects: 87},
		{Name: "scratch", OwnerName: "ada", Created: start, Used: 1058013184, Objects: 12, Quota: 1 << 30},
	}
	f.ob.objects = map[string]string{
		"datasets/README.md":     "# Datasets\n\nWhat the models are trained on.\n\n- `train/` shards of 1 GiB\n- `eval/` one file a task\n\n> Ask before you delete.\n",
		"datasets/config.json":   `{"name":"base","layers":24,"dropout":0.1,"tied":true,"tasks":["copy","sort"],"notes":null}`,
		"datasets/metrics.csv":   "step,loss,accuracy\n100,2.31,0.12\n200,1.87,0.31\n300,1.42,0.44\n",
		"datasets/train.go":      "package main\n\n// main trains the model.\nfunc main() {\n\tfor step := 0; step < 300; step++ {\n\t\tprintln(\"step\", step)\n\t}\n}\n",
		"datasets/weights.bin":   strings.Repeat("\x00\x01\x02\xffAB", 4000),
		"datasets/plot.png":      plot(),
		"datasets/train/0.tar":   "0",
		"datasets/train/1.tar":   "11",
		"datasets/eval/copy.txt": "a b c\n",
		"datasets/.hidden":       "",
		"workspace:notes/a.txt":  "in a workspace\n",
	}
	for i := range 60 {
		f.ob.objects[fmt.Sprintf("datasets/train/shard-%05d.parquet", i)] = strings.Repeat("x", 100+i)
	}
	f.ob.paths = []string{testHome + "/data/", testHome + "/data.csv", testHome + "/notes.md"}
	return f
}

// plot is a small picture.
func plot() string {
	img := image.NewRGBA(image.Rect(0, 0, 64, 40))
	for y := range 40 {
		for x := range 64 {
			c := color.RGBA{uint8(4 * x), uint8(6 * y), 120, 255}
			if (x-32)*(x-32)+(y-20)*(y-20) < 150 {
				c = color.RGBA{240, 200, 80, 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	_ = png.Encode(&b, img)
	return b.String()
}

// folderOf is a fake with n objects in one folder, in pages of size.
func folderOf(n, size int) *fake {
	f := withObjects()
	f.ob.pageSize = size
	f.ob.objects = map[string]string{}
	for i := range n {
		f.ob.objects[fmt.Sprintf("datasets/object-%07d", i)] = strings.Repeat("x", i%10)
	}
	return f
}
