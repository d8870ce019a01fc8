package bolt

import (
	"context"

	"github.com/artifacts-tui/artifacts-tui/backend/store"
	"github.com/artifacts-tui/artifacts-tui/backend/store/record"
)

// SetTags implements store.Index.
func (x *Index) SetTags(_ context.Context, bucket, key string, tags map[string]string) error {
	return x.update(func(t *txn) error {
		if _, err := t.bucket(bucket); err != nil {
			return err
		}
		o, err := t.old(bucket, key)
		if err != nil {
			return err
		}
		if o == nil {
			return store.Refuse(store.NoSuchKey, "there is no object %q in bucket %s", key, bucket)
		}
		// Another Seq: a copy that is under way must not carry the old tags.
		o.Tags, o.Seq = tags, t.next()
		return t.objects.Put(objectKey(bucket, key), record.EncodeObject(*o))
	})
}
