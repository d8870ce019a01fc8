package api

import (
	"net/http"
	"strconv"
)

// A client that mounts a prefix wants to say how large it is, which S3 has no word for. A
// ListObjectsV2 with spaceHeader is answered with usedHeader, the bytes below its prefix, parts of uploads in flight included, and,
// where a quota bounds the prefix, the bucket or the store, with freeHeader, the bytes that still go in.
// A store that does not know the header lists as it would without.
const (
	spaceHeader = "X-Artifacts-Space"
	usedHeader  = "X-Artifacts-Used-Bytes"
	freeHeader  = "X-Artifacts-Free-Bytes"
)

// tellSpace answers spaceHeader. The caller may list the prefix.
func (q *request) tellSpace(header http.Header, prefix string) error {
	if q.r.Header.Get(spaceHeader) == "" {
		return nil
	}
	used, err := q.store.PrefixUsage(q.r.Context(), q.bucket, prefix)
	if err != nil {
		return err
	}
	free, bounded, err := q.store.Free(q.r.Context(), q.bucket, prefix)
	if err != nil {
		return err
	}
	header.Set(usedHeader, strconv.FormatInt(used.Total(), 10))
	if bounded {
		header.Set(freeHeader, strconv.FormatInt(free, 10))
	}
	return nil
}
