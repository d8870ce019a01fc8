package postgres

import "context"

// Others is how many other processes use the index. One that was killed is among them until
// its lease is over.
func (x *Index) Others(ctx context.Context) (n int, err error) {
	err = x.pool.QueryRow(ctx, `SELECT count(*) FROM instances WHERE id <> $1 AND seen > now() - $2::interval`, x.instance.id, x.instance.lease).Scan(&n)
	return n, err
}
