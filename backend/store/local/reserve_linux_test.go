package local_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/artifacts-tui/artifacts-tui/backend/s3/s3test"
	"github.com/artifacts-tui/artifacts-tui/backend/store"
)

// bytesFree is the volume's.
func bytesFree(t *testing.T, dir string) (total, free int64) {
	t.Helper()
	var s unix.Statfs_t
	must(t, unix.Statfs(dir, &s))
	return int64(s.Blocks) * s.Bsize, int64(s.Bavail) * s.Bsize
}

func putDocument(s *store.Store, key, text string) error {
	_, err := s.Put(ctx, store.SystemBucket, key, strings.NewReader(text), store.PutOptions{Size: int64(len(text))})
	return err
}

// Clients fill a disk up to the reserve, by any way and side by side, and are refused then;
// control state is recorded all the same, and what is deleted can be written again at once.
// SPEC B24, B25
func TestDiskReserve(t *testing.T) {
	disk, inside := inSmallDisk(t)
	if !inside {
		return
	}
	srv := s3test.Start(t, s3test.WithDir(filepath.Join(disk, "store")))
	s := srv.Store
	srv.CreateBucket(t, "bucket")
	must(t, s.CreateBucket(ctx, store.SystemBucket, store.CreateBucketOptions{}))
	total, _ := bytesFree(t, disk)
	reserve := total / 16
	put(t, s, "old", "old")
	begun, err := s.CreateUpload(ctx, store.UploadInfo{Bucket: "bucket", Key: "begun"})
	must(t, err)
	part, err := s.PutPart(ctx, "bucket", "begun", begun, 1, strings.NewReader("part"), store.PartOptions{Size: 4})
	must(t, err)

	var mu sync.Mutex
	stored := map[string]string{}
	var writers sync.WaitGroup
	for w := range 20 {
		writers.Go(func() {
			for i, refused := 0, 0; refused < 5; i++ {
				key, body := fmt.Sprintf("%d/%d", w, i), strings.Repeat(fmt.Sprintf("%d %d ", w, i), 1000) // in packs
				if i%2 == 0 {
					body = strings.Repeat(body, 12)
				}
				size := int64(len(body))
				if i%3 == 0 {
					size = -1
				}
				_, err := s.Put(ctx, "bucket", key, strings.NewReader(body), store.PutOptions{Size: size})
				switch {
				case err == nil:
					mu.Lock()
					stored[key] = body
					mu.Unlock()
				case errors.Is(err, store.ErrQuotaExceeded) && strings.Contains(err.Error(), "disk"):
					refused++
				default:
					t.Error(err)
					return
				}
			}
		})
	}
	writers.Wait()
	// What was promised to those that were refused half-way fits now.
	for i := 0; err == nil; i++ {
		key, body := fmt.Sprint("rest/", i), strings.Repeat("rest", 2000)
		if _, err = s.Put(ctx, "bucket", key, strings.NewReader(body), store.PutOptions{Size: int64(len(body))}); err == nil {
			stored[key] = body
		}
	}
	if !errors.Is(err, store.ErrQuotaExceeded) {
		t.Fatal(err)
	}
	// The index grows a little beyond what was asked for.
	if _, free := bytesFree(t, disk); free < reserve*3/4 || free > reserve+32<<10 {
		t.Errorf("%d bytes are free of %d, %d are to be kept", free, total, reserve)
	}
	refused := func(what string, err error) {
		t.Helper()
		if !errors.Is(err, store.ErrQuotaExceeded) || !strings.Contains(err.Error(), "disk") {
			t.Errorf("%s: %v", what, err)
		}
	}
	big := strings.Repeat("new", 1<<20)
	_, err = s.Put(ctx, "bucket", "old", strings.NewReader(big), store.PutOptions{Size: int64(len(big))})
	refused("an overwrite", err)
	_, err = s.Put(ctx, "bucket", "old", strings.NewReader(big), store.PutOptions{Size: -1})
	refused("an overwrite of unknown size", err)
	_, err = s.PutPart(ctx, "bucket", "begun", begun, 2, strings.NewReader(big), store.PartOptions{Size: int64(len(big))})
	refused("a part", err)
	resp := httpPut(t, srv, "/bucket/old", big)
	if resp.status != http.StatusForbidden || !strings.Contains(resp.body, "<Code>QuotaExceeded</Code>") || !strings.Contains(resp.body, "disk") {
		t.Errorf("a client is told %d %s", resp.status, resp.body)
	}
	_, err = s.CompleteUpload(ctx, "bucket", "begun", begun, []store.CompletedPart{{Number: 1, ETag: part.ETag}}, store.CompleteOptions{})
	must(t, err)
	stored["begun"], stored["old"] = "part", "old"

	// Control state goes on, into what is kept.
	for i := range 100 {
		must(t, putDocument(s, fmt.Sprint("peers/", i%10), strings.Repeat(fmt.Sprint(i), 1000)))
	}
	_, free := bytesFree(t, disk)
	if free >= reserve {
		t.Fatalf("%d bytes are free: the disk is not as full as this test wants it", free)
	}
	_, err = s.CreateUpload(ctx, store.UploadInfo{Bucket: "bucket", Key: "k"})
	refused("the beginning of an upload", err)
	_, err = s.Copy(ctx, "bucket", "old", "bucket", "copy", store.CopyOptions{})
	refused("a copy", err)

	for key, body := range stored {
		if read(t, s, key) != body {
			t.Fatalf("%s is not whole", key)
		}
	}
	freed := int64(0)
	for key, body := range stored { // until a file's worth of space is there
		if freed < 2<<20 && len(body) > 32<<10 {
			must(t, s.Delete(ctx, "bucket", key))
			freed += int64(len(body))
			delete(stored, key)
		}
	}
	put(t, s, "new", large("new")) // at once
	r, err := s.Check(ctx, store.CheckOptions{Deep: true})
	must(t, err)
	if !r.Sound() {
		t.Errorf("%+v", r)
	}
}

type httpAnswer struct {
	status int
	body   string
}

func httpPut(t *testing.T, srv *s3test.Server, path, body string) httpAnswer {
	t.Helper()
	r, err := http.NewRequest(http.MethodPut, srv.Endpoint()+path, strings.NewReader(body))
	must(t, err)
	r.Header.Set("Authorization", "Bearer "+srv.Secret)
	resp, err := http.DefaultClient.Do(r)
	must(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	must(t, err)
	return httpAnswer{resp.StatusCode, string(text)}
}

// Documents that are written again and again on a full disk use up the reserve with what they
// were before; a sweep finds that, long before packs are worth one otherwise.
func TestDiskReserveComesBack(t *testing.T) {
	disk, inside := inSmallDisk(t)
	if !inside {
		return
	}
	root := filepath.Join(disk, "store")
	s, err := open(root, 0)
	must(t, err)
	must(t, s.CreateBucket(ctx, "bucket", store.CreateBucketOptions{}))
	must(t, s.CreateBucket(ctx, store.SystemBucket, store.CreateBucketOptions{}))
	for i := 0; err == nil; i++ {
		body := large(fmt.Sprint(i))
		_, err = s.Put(ctx, "bucket", fmt.Sprint(i), strings.NewReader(body), store.PutOptions{Size: int64(len(body))})
	}
	if !errors.Is(err, store.ErrQuotaExceeded) {
		t.Fatal(err)
	}
	total, free := bytesFree(t, disk)
	reserve := total / 16
	document := func(i int) string { return strings.Repeat(fmt.Sprint(i, " "), 1000) }
	last := 0
	for ; free >= reserve*3/8; last++ {
		must(t, putDocument(s, "document", document(last)))
		_, free = bytesFree(t, disk)
	}
	must(t, s.Close())
	s, err = open(root, 0) // it looks at its disk at the start, and then once a minute
	must(t, err)
	defer func() { must(t, s.Close()) }()
	for end := time.Now().Add(time.Minute); free < reserve/2; _, free = bytesFree(t, disk) {
		if time.Now().After(end) {
			t.Fatalf("%d bytes are free, %d are to be kept", free, reserve)
		}
		time.Sleep(5 * time.Millisecond)
	}
	f, err := s.Get(ctx, store.SystemBucket, "document")
	must(t, err)
	defer f.Close()
	text, err := io.ReadAll(f)
	must(t, err)
	if string(text) != document(last-1) {
		t.Error("the document is not the last one")
	}
	must(t, putDocument(s, "document", "new"))
}
