//go:build linux

package cmd_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// peer enrols one, and returns an S3 client of its that tries each request so many times,
// through what balances load.
func (c *cluster) peer(name string, attempts int) *s3.Client {
	c.t.Helper()
	var p struct{ ID, Token string }
	if err := c.nodes[0].ask(http.MethodPost, "/v1/peers", map[string]any{"name": name, "grants": []map[string]string{{"role": "admin"}}}, &p); err != nil {
		c.t.Fatal(err)
	}
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(c.url + "/s3"), UsePathStyle: true, Region: "us-east-1",
		Credentials: credentials.NewStaticCredentialsProvider(p.ID, p.Token, ""),
		Retryer:     retry.NewStandard(func(o *retry.StandardOptions) { o.MaxAttempts, o.MaxBackoff = attempts, time.Second }),
		HTTPClient:  &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone(), Timeout: clusterWait},
	})
}

// load is writers that each have keys of their own, and know what must be there.
type load struct {
	client *s3.Client
	bucket string

	mu    sync.Mutex
	keys  map[string]written
	begun map[int]int // the last version of each writer
	acks  atomic.Int64
	fails []error // refusals for the quota are none
}

// written is what a key may hold: the last version that was acknowledged, or a later one whose
// answer did not come.
type written struct{ acknowledged, tried int }

const loadSize = 60_000 // bytes at most

// body is a version of a key: its size and its bytes are made of its number.
func loadBody(key string, n int) []byte {
	source := rand.NewChaCha8([32]byte([]byte(fmt.Sprintf("%32s", fmt.Sprintf("%s %d", key, n)))))
	b := make([]byte, 1+int(source.Uint64()%loadSize))
	_, _ = source.Read(b)
	return b
}

// write puts objects until ctx ends.
func (l *load) write(ctx context.Context, writer int) {
	for ctx.Err() == nil {
		l.mu.Lock()
		l.begun[writer]++
		n := l.begun[writer]
		l.mu.Unlock()
		key := fmt.Sprintf("writer-%d/key-%d", writer, n%5)
		l.note(key, func(w *written) { w.tried = n })
		body := loadBody(key, n)
		// Not ctx: what was begun is ended.
		_, err := l.client.PutObject(context.Background(), &s3.PutObjectInput{Bucket: &l.bucket, Key: &key, Body: bytes.NewReader(body)})
		var api smithy.APIError
		switch {
		case err == nil:
			l.acks.Add(1)
			l.note(key, func(w *written) { w.acknowledged = n })
		case errors.As(err, &api) && api.ErrorCode() == "QuotaExceeded":
		default:
			l.mu.Lock()
			l.fails = append(l.fails, err)
			l.mu.Unlock()
		}
	}
}

func (l *load) note(key string, f func(*written)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.keys[key]
	f(&w)
	l.keys[key] = w
}

// run writes with so many writers while f runs.
func (l *load) run(writers int, f func()) {
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() { l.write(ctx, w) })
	}
	f()
	stop()
	wg.Wait()
}

// more waits until so many writes more were acknowledged.
func (c *cluster) more(l *load, n int64) {
	c.t.Helper()
	want := l.acks.Load() + n
	c.await(fmt.Sprintf("%d writes more", n), func() bool { return l.acks.Load() >= want })
}

// verify compares everything with what was acknowledged, and the counters with what is there.
func (c *cluster) verify(l *load, quota int64) {
	c.t.Helper()
	ctx := context.Background()
	var sum, objects int64
	pages := s3.NewListObjectsV2Paginator(l.client, &s3.ListObjectsV2Input{Bucket: &l.bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			c.t.Fatal(err)
		}
		for _, o := range page.Contents {
			sum, objects = sum+aws.ToInt64(o.Size), objects+1
		}
	}
	for key, w := range l.keys {
		if w.acknowledged == 0 {
			continue
		}
		got, err := l.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &l.bucket, Key: &key})
		if err != nil {
			c.t.Errorf("%s, of which version %d was acknowledged: %v", key, w.acknowledged, err)
			continue
		}
		body, err := io.ReadAll(got.Body)
		_ = got.Body.Close()
		if err != nil {
			c.t.Errorf("%s: %v", key, err)
			continue
		}
		n := w.acknowledged
		for n <= w.tried && !bytes.Equal(body, loadBody(key, n)) {
			n += 5 // the next one of this key
		}
		if digest := md5.Sum(body); n > w.tried || aws.ToString(got.ETag) != `"`+hex.EncodeToString(digest[:])+`"` {
			c.t.Errorf("%s holds %d bytes that are no version from %d, which was acknowledged, to %d; ETag %s", key, len(body), w.acknowledged, w.tried, aws.ToString(got.ETag))
		}
	}
	for i, node := range c.nodes {
		var b struct{ Used, Objects int64 }
		if err := node.ask(http.MethodGet, "/v1/buckets/"+l.bucket, nil, &b); err != nil {
			c.t.Error(err)
		}
		if b.Used != sum || b.Objects != objects || quota > 0 && b.Used > quota {
			c.t.Errorf("coordinator %d counts %d bytes in %d objects of a quota of %d; there are %d in %d", i, b.Used, b.Objects, quota, sum, objects)
		}
	}
}

// races has twenty writers at a time write to a bucket that has room for five, in rounds: each
// round five are taken, and no byte more than fits, whichever coordinators they come by.
func (c *cluster) races(l *load, writers, fit, rounds int) {
	c.t.Helper()
	const size = 10_000
	quota := int64(fit * size)
	if err := c.nodes[0].ask(http.MethodPost, "/v1/buckets", map[string]any{"name": l.bucket, "quota": quota}, nil); err != nil {
		c.t.Fatal(err)
	}
	ctx := context.Background()
	for round := range rounds {
		var taken, refused atomic.Int64
		var ready, all sync.WaitGroup
		ready.Add(writers)
		for w := range writers {
			all.Go(func() {
				key := fmt.Sprint("key-", w)
				// A request of its own before, so that the connections are there.
				_, _ = l.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &l.bucket, Key: &key})
				ready.Done()
				ready.Wait()
				_, err := l.client.PutObject(ctx, &s3.PutObjectInput{Bucket: &l.bucket, Key: &key, Body: bytes.NewReader(make([]byte, size))})
				var api smithy.APIError
				switch {
				case err == nil:
					taken.Add(1)
				case errors.As(err, &api) && api.ErrorCode() == "QuotaExceeded":
					refused.Add(1)
				default:
					c.t.Error(err)
				}
			})
		}
		all.Wait()
		if taken.Load() != int64(fit) {
			c.t.Errorf("round %d: of %d writers %d were taken and %d refused; there is room for %d", round, writers, taken.Load(), refused.Load(), fit)
		}
		c.verify(l, quota)
		for w := range writers {
			key := fmt.Sprint("key-", w)
			if _, err := l.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &l.bucket, Key: &key}); err != nil {
				c.t.Error(err)
			}
		}
	}
}

// SPEC B25, B26, B31, D3: twelve writers fill and overwrite a bucket up to its quota through three
// coordinators. Two are killed (-9) and started again, the database crashes and comes back: no
// write that was acknowledged is lost, no byte is over the quota, and all is counted exactly.
// Then each is stopped and started in turn: no request that is tried twice fails.
func TestClusterUnderLoad(t *testing.T) {
	t.Parallel()
	c := newCluster(t, time.Second)
	c.races(&load{client: c.peer("racing", 8), bucket: "tight"}, 20, 5, 5)
	const quota = 1_000_000
	if err := c.nodes[1].ask(http.MethodPost, "/v1/buckets", map[string]any{"name": "load", "quota": quota}, nil); err != nil {
		t.Fatal(err)
	}
	l := &load{client: c.peer("patient", 8), bucket: "load", keys: map[string]written{}, begun: map[int]int{}}
	// After each of them nothing is written until all was looked at: what was lost is not to be
	// hidden by what was written later.
	l.run(12, func() {
		c.more(l, 40)
		c.nodes[0].signal(syscall.SIGKILL)
	})
	c.nodes[0].start()
	c.verify(l, quota)
	l.run(12, func() {
		c.more(l, 40)
		c.nodes[1].signal(syscall.SIGKILL)
		c.more(l, 40)
		c.nodes[1].start()
		c.more(l, 40)
		c.pg.Kill()
		c.pg.Restart(t)
	})
	c.verify(l, quota)
	l.run(12, func() { c.more(l, 40) })
	c.verify(l, quota)

	if err := c.nodes[2].ask(http.MethodPost, "/v1/buckets", map[string]any{"name": "rolling"}, nil); err != nil {
		t.Fatal(err)
	}
	r := &load{client: c.peer("once-more", 2), bucket: "rolling", keys: map[string]written{}, begun: map[int]int{}}
	r.run(6, func() {
		for _, n := range c.nodes {
			c.more(r, 10)
			n.signal(syscall.SIGTERM)
			c.more(r, 10)
			n.start()
		}
		c.more(r, 10)
	})
	for _, err := range r.fails {
		t.Errorf("lost in a rolling restart: %v", err)
	}
	c.verify(r, 0)

	// Nothing runs any more: index and bytes agree.
	for _, n := range c.nodes {
		n.signal(syscall.SIGTERM)
	}
	out, err := c.nodes[0].run("coordinator", "fsck", "--config", c.nodes[0].config(), "--format", "json")
	if err != nil {
		t.Fatal(err)
	}
	var report store.CheckReport
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if !report.Sound() || report.Objects <= int64(len(l.keys)/2+len(r.keys)) {
		t.Errorf("fsck: %s", out)
	}
	t.Logf("%d and %d writes were acknowledged; %d objects and %d bytes are sound", l.acks.Load(), r.acks.Load(), report.Objects, report.Bytes)
}
