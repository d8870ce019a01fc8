//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/local"
	"github.com/artifacts-tui/artifacts-tui/internal/pgtest"
)

const (
	coordinators = 3
	keysBucket   = "keys"
	fillers      = 512              // as many as the index lets share a transaction
	settle       = 11 * time.Second // until PostgreSQL has counted what a connection did that is idle now
)

// column is a way to serve the store: one coordinator, or several.
type column struct {
	name    string
	servers []*server
	pg      *pgx.Conn // nil: there is no database
	values  map[string]string
}

// clusterRow is measured for each column.
type clusterRow struct {
	name string
	run  func(t *trial) (float64, error)
	unit string
}

// cluster measures three coordinators over one PostgreSQL and one S3 server beside one on the
// same engines and one embedded, with a client that spreads its connections over them.
func cluster(o options) (string, error) {
	z := full
	if o.quick {
		z, o.objects = quick, min(o.objects, 20_000)
	}
	us, err := ours(o.dir)
	if err != nil {
		return "", err
	}
	embedded := &column{name: "one, embedded", servers: []*server{us}}
	if err := fillEmbedded(filepath.Join(us.dir, "data"), o.objects); err != nil {
		return "", err
	}
	shared, stop, err := sharedEngines(o.dir, us.program, o.objects)
	if err != nil {
		return "", err
	}
	defer stop()
	columns := []*column{
		embedded,
		{name: "one, on PostgreSQL and S3", servers: shared.servers[:1], pg: shared.pg},
		{name: "three, on PostgreSQL and S3", servers: shared.servers, pg: shared.pg},
	}
	rows := clusterRows(o.objects)
	fmt.Fprintf(os.Stderr, "%s keys are made\n", thousands(o.objects))
	for _, c := range columns {
		if err := c.measure(z, rows); err != nil {
			return "", fmt.Errorf("%s: %w", c.name, err)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| %d connections |", connections)
	for _, c := range columns {
		fmt.Fprintf(&b, " %s |", c.name)
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", len(columns)) + "\n")
	for _, r := range rows {
		fmt.Fprintf(&b, "| %s |", r.name)
		for _, c := range columns {
			fmt.Fprintf(&b, " %s |", c.values[r.name])
		}
		b.WriteString("\n")
	}
	return b.String(), nil
}

func clusterRows(keys int) []clusterRow {
	n := thousands(keys)
	page := func(query, want string) func(*trial) (float64, error) {
		return func(t *trial) (float64, error) { return t.page(query, want) }
	}
	middle := escape(fmt.Sprintf("folder%03d/key", scaleFolders/2))
	return []clusterRow{
		{"PUT 4 KiB", (*trial).putSmall, " /s"},
		{"GET 4 KiB", (*trial).getSmall, " /s"},
		{"HEAD", (*trial).headSmall, " /s"},
		{"lists of 1,000 keys", (*trial).lists, " /s"},
		{"first page of " + n + " keys", page("list-type=2", "<Key>"), " ms"},
		{"page in the middle of them", page("list-type=2&start-after="+middle, "<Key>"), " ms"},
		{"1,000 folders of them by delimiter", page("delimiter=%2F&list-type=2", "<CommonPrefixes>"), " ms"},
	}
}

// measure starts the servers that do not run yet, and fills in the values.
func (c *column) measure(z sizes, rows []clusterRow) (err error) {
	c.values = map[string]string{}
	for _, s := range c.servers {
		if s.cmd != nil {
			continue
		}
		s.target.key, s.target.secret = c.servers[0].target.key, c.servers[0].target.secret
		if _, err := s.start(); err != nil {
			return err
		}
		running.also(s)
	}
	t := &trial{sizes: z, server: c.servers[0], small: newPayload(randomBytes(smallSize)), round: len(c.servers)}
	defer func() {
		for _, one := range t.conns {
			one.close()
		}
		if c.pg == nil {
			err = errors.Join(err, c.servers[0].stop())
		}
	}()
	for i := range connections {
		one, err := dial(c.servers[i%len(c.servers)].target)
		if err != nil {
			return err
		}
		t.conns = append(t.conns, one)
	}
	if len(c.servers) == 1 { // the third column has what the second one wrote
		if err := t.makeBuckets(); err != nil {
			return err
		}
		err := t.times(t.reads, func(one *conn, n int) error {
			_, err := one.do(http.MethodPut, t.readKey(n), "", t.small, false)
			return err
		})
		if err != nil {
			return err
		}
	}
	for _, r := range rows {
		before, begin := c.transactions(), time.Now()
		v, err := r.run(t)
		if err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		text := number(v) + r.unit
		if requests := v * time.Since(begin).Seconds(); c.pg != nil && r.unit == " /s" && requests > 0 {
			time.Sleep(settle)
			text += fmt.Sprintf(" (%.2f transactions each)", float64(c.transactions()-before)/requests)
		}
		c.values[r.name] = text
		fmt.Fprintf(os.Stderr, "%-28s %-36s %s\n", c.name, r.name, text)
	}
	return nil
}

// transactions are those that the database has committed.
func (c *column) transactions() (n int64) {
	if c.pg != nil {
		_ = c.pg.QueryRow(context.Background(), `SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()`).Scan(&n)
	}
	return n
}

// lists asks for pages somewhere in the bucket with many keys.
func (t *trial) lists() (float64, error) {
	return t.rate(func(c *conn, n int) error {
		_, err := c.do(http.MethodGet, "/"+keysBucket, "list-type=2&start-after="+escape(fmt.Sprintf("folder%03d/", n*7919%scaleFolders)), noPayload, false)
		return err
	})
}

// page is the median of a page, in milliseconds.
func (t *trial) page(query, want string) (float64, error) {
	var took []float64
	for range 20 {
		begin := time.Now()
		xml, err := t.conns[0].do(http.MethodGet, "/"+keysBucket, query, noPayload, true)
		if err != nil {
			return 0, err
		}
		if n := bytes.Count(xml, []byte(want)); n != 1000 {
			return 0, fmt.Errorf("%d %s, and not 1000", n, want)
		}
		took = append(took, float64(time.Since(begin))/float64(time.Millisecond))
	}
	m := metric{values: series{"": took}}
	return m.median(""), nil
}

// fillEmbedded makes empty objects in a store that no coordinator serves yet, one folder after
// the other: what is written together is then on few pages of the index.
func fillEmbedded(dir string, n int) error {
	st, err := local.Open(local.Options{Dir: dir})
	if err != nil {
		return err
	}
	ctx := context.Background()
	err = st.CreateBucket(ctx, keysBucket, store.CreateBucketOptions{Owner: accessKey})
	var next atomic.Int64
	errs := make([]error, fillers)
	var wg sync.WaitGroup
	for w := range fillers {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && errs[w] == nil; i = int(next.Add(1)) - 1 {
				key := i
				if each := n / scaleFolders; i < each*scaleFolders {
					key = i%each*scaleFolders + i/each
				}
				_, errs[w] = st.Put(ctx, keysBucket, scaleKey(key), bytes.NewReader(nil), store.PutOptions{})
			}
		})
	}
	wg.Wait()
	return errors.Join(err, errors.Join(errs...), st.Close())
}

// sharedEngines starts PostgreSQL and versitygw, and says how coordinators over them are started.
// The first of them runs: it has made the tables.
func sharedEngines(dir, program string, objects int) (c *column, stop func(), err error) {
	db, err := pgtest.New("fsync=on", "full_page_writes=on", "shared_buffers=512MB", "max_wal_size=8GB")
	if err != nil {
		return nil, nil, err
	}
	c = &column{}
	stop = func() {
		if c.pg != nil {
			_ = c.pg.Close(context.Background())
		}
		for _, s := range c.servers {
			_ = s.stop()
		}
		db.Close()
	}
	defer func() {
		if err != nil {
			stop()
		}
	}()
	url, err := db.NewDatabase()
	if err != nil {
		return nil, nil, err
	}
	gateway := &server{
		name: "versitygw", program: find("versitygw"), dir: filepath.Join(dir, "s3"),
		env:  []string{"ROOT_ACCESS_KEY=" + accessKey, "ROOT_SECRET_KEY=" + secretKey},
		args: func(address, dir string) []string { return []string{"--port", address, "--quiet", "posix", dir} },
	}
	if gateway.program == "" {
		return nil, nil, errors.New("there is no versitygw: make test-deps builds it")
	}
	if err := os.MkdirAll(filepath.Join(gateway.dir, "blobs"), 0o700); err != nil {
		return nil, nil, err
	}
	if _, err := gateway.start(); err != nil {
		return nil, nil, err
	}
	running.also(gateway)
	before := stop
	stop = func() { before(); _ = gateway.stop() }
	for i := range coordinators {
		home := filepath.Join(dir, fmt.Sprintf("shared-%d", i))
		file := filepath.Join(home, "coordinator.yaml")
		text := fmt.Sprintf("s3: {data_dir: data}\nstorage:\n  index: %q\n  blobs: \"s3://blobs/mesh?endpoint=http://%s&region=us-east-1\"\n  blobs_access_key_id: ${BLOBS_KEY}\n  blobs_secret_access_key: ${BLOBS_SECRET}\n",
			url, gateway.target.address)
		if err := errors.Join(os.MkdirAll(home, 0o700), os.WriteFile(file, []byte(text), 0o600)); err != nil {
			return nil, nil, err
		}
		c.servers = append(c.servers, &server{
			name: fmt.Sprintf("coordinator %d", i), program: program, dir: home, base: "/s3", env: []string{"BLOBS_KEY=" + accessKey, "BLOBS_SECRET=" + secretKey},
			args: func(address, _ string) []string {
				return []string{"coordinator", "serve", "--config", file, "--listen", address}
			},
		})
	}
	if _, err := c.servers[0].start(); err != nil {
		return nil, nil, err
	}
	running.also(c.servers[0])
	if c.pg, err = pgx.Connect(context.Background(), url); err != nil {
		return nil, nil, err
	}
	return c, stop, c.fill(objects)
}

// fill makes keys in the database itself, each like one that a client has put.
func (c *column) fill(n int) error {
	one, err := dial(c.servers[0].target)
	if err != nil {
		return err
	}
	defer one.close()
	for _, path := range []string{"/" + keysBucket, "/" + keysBucket + "/template"} {
		if _, err := one.do(http.MethodPut, path, "", noPayload, false); err != nil {
			return err
		}
	}
	ctx := context.Background()
	const bucketID = `(SELECT id FROM buckets WHERE name = convert_to('` + keysBucket + `', 'UTF8'))`
	_, err = c.pg.Exec(ctx, `INSERT INTO objects (bucket, key, seq, size, info, detail)
		SELECT o.bucket, convert_to('folder' || lpad((n % $1)::text, 3, '0') || '/key' || lpad((n / $1)::text, 6, '0'), 'UTF8'), o.seq + n + 1, 0, o.info, o.detail
		FROM objects o, generate_series(0, $2::bigint - 1) AS n
		WHERE o.bucket = `+bucketID+` AND o.key = convert_to('template', 'UTF8')`, int64(scaleFolders), int64(n))
	if err != nil {
		return err
	}
	_, err = c.pg.Exec(ctx, `UPDATE usage SET objects = objects + $1 WHERE bucket = `+bucketID+` AND prefix = '' AND stripe = (SELECT min(stripe) FROM usage WHERE bucket = `+bucketID+` AND prefix = '')`, int64(n))
	if err != nil {
		return err
	}
	if _, err := c.pg.Exec(ctx, `VACUUM ANALYZE`); err != nil {
		return err
	}
	_, err = one.do(http.MethodDelete, "/"+keysBucket+"/template", "", noPayload, false)
	return err
}
