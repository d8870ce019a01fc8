package postgres

import (
	"context"
	_ "embed"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/record"
)

//go:embed sql/list.sql
var listSQL string

const flatSQL = `SELECT key, 0, size, info FROM objects
	WHERE bucket = (SELECT id FROM buckets WHERE name = $1) AND key >= $2 AND key < $3 ORDER BY key LIMIT $4`

// List implements store.Index, in one round trip.
func (x *Index) List(ctx context.Context, bucket string, o store.ListOptions) (page store.Page, err error) {
	if o.Max <= 0 {
		o.Max = store.MaxPage
	}
	from, end := pageStart(o), above(o.Prefix)
	err = x.reading(ctx, func() error {
		page = store.Page{}
		found := false
		b := &pgx.Batch{}
		b.Queue(readBucket, []byte(bucket)).Query(exists(&found))
		var entries *pgx.QueuedQuery
		if o.Delimiter == "" {
			entries = b.Queue(flatSQL, []byte(bucket), from, end, o.Max+1)
		} else {
			entries = b.Queue(listSQL, []byte(bucket), from, end, len(o.Prefix), []byte(o.Delimiter), above(o.Delimiter), o.Max+1)
		}
		entries.Query(func(rows pgx.Rows) error { return scanPage(rows, bucket, o, &page) })
		if err := x.pool.SendBatch(ctx, b).Close(); err != nil {
			return err
		}
		if !found {
			return noBucket(bucket)
		}
		return nil
	})
	if err != nil {
		return store.Page{}, err
	}
	return page, nil
}

// pageStart is where a page begins.
func pageStart(o store.ListOptions) []byte {
	if o.StartAfter == "" || o.StartAfter < o.Prefix {
		return []byte(o.Prefix)
	}
	if rest, ok := strings.CutPrefix(o.StartAfter, o.Prefix); ok && o.Delimiter != "" {
		// A prefix that an earlier page rolled up.
		if i := strings.Index(rest, o.Delimiter); i >= 0 && i+len(o.Delimiter) == len(rest) {
			return above(o.StartAfter)
		}
	}
	return []byte(o.StartAfter + "\x00")
}

// scanPage reads keys in order: each with the place of the delimiter behind the list's prefix, 0
// where it has none, and then what it is.
func scanPage(rows pgx.Rows, bucket string, o store.ListOptions, page *store.Page) error {
	last := ""
	return eachRow(rows, func(row pgx.Rows) error {
		var key, info []byte
		var at int
		var size int64
		if err := row.Scan(&key, &at, &size, &info); err != nil {
			return err
		}
		name := string(key)
		if at > 0 {
			name = name[:len(o.Prefix)+at-1+len(o.Delimiter)]
			if n := len(page.Prefixes); n > 0 && page.Prefixes[n-1] == name {
				return nil
			}
		}
		switch full := len(page.Objects)+len(page.Prefixes) == o.Max; {
		case page.Truncated:
			return nil
		case full:
			page.Truncated, page.Next = true, last
			return nil
		case at > 0:
			page.Prefixes = append(page.Prefixes, name)
		default:
			obj, err := record.DecodeObject(bucket, name, info, false)
			if err != nil {
				return err
			}
			page.Objects = append(page.Objects, obj.ObjectInfo)
		}
		last = name
		return nil
	})
}
