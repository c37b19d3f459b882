package offsite

import (
	"slices"
	"time"

	"github.com/pushboat/pushboat/internal/backup/bucket"
)

// Backups that are newer than the present were made while a clock was wrong. They count
// for nothing and stay: otherwise one from the year 2040 would be the newest until
// then, and the good ones would be deleted for their age.

// own separates the backups that this server made from those that somebody else has put into
// its folder: whoever may write there could otherwise name one of now, again and again, so
// that none would ever be due. Of what is newer than the oldest backup of which the server
// knows that it made it, or than its first look at the bucket if it knows none, only those
// are its own. What is older cannot keep it from its work.
func own(objects []bucket.Object, made map[string]bool, look time.Time) (ours, others []bucket.Object) {
	for _, o := range objects {
		if made[o.ID] && o.Made().Before(look) {
			look = o.Made()
		}
	}
	for _, o := range objects {
		if made[o.ID] || o.Made().Before(look) {
			ours = append(ours, o)
		} else {
			others = append(others, o)
		}
	}
	return ours, others
}

// past are the backups that were made until now, in the order of time.
func past(objects []bucket.Object, now time.Time) []bucket.Object {
	before := slices.DeleteFunc(slices.Clone(objects), func(o bucket.Object) bool { return o.Made().After(now) })
	slices.SortFunc(before, func(a, b bucket.Object) int { return a.Made().Compare(b.Made()) })
	return before
}

// newest is the newest backup; ok is false if there is none.
func newest(objects []bucket.Object, now time.Time) (o bucket.Object, ok bool) {
	before := past(objects, now)
	if len(before) == 0 {
		return o, false
	}
	return before[len(before)-1], true
}

// next is the time of the next work; ever is false for never. The keeper looks at the
// bucket at once, and tries again a while after each failure.
func (k known) next(schedule Schedule, now time.Time) (at time.Time, ever bool) {
	switch {
	case k.failures > 0:
		return k.failed.Add(retryAfter(k.failures)), true
	case !k.looked:
		return now, true
	}
	return due(k.objects, schedule, now)
}

// due is when the next backup is due: by the schedule, after the newest, which a server
// that was away has missed maybe; and at once if there is none.
func due(objects []bucket.Object, schedule Schedule, now time.Time) (at time.Time, ever bool) {
	last, ok := newest(objects, now)
	if !ok {
		return now, true
	}
	at = schedule.Next(last.Made().In(now.Location()))
	return at, !at.IsZero()
}

// base is the backup that the next one goes on from: the newest, as long as it can be
// restored and there are not as many increments as there may be; "" for a full one.
func base(objects []bucket.Object, increments int, now time.Time) string {
	last, ok := newest(objects, now)
	if !ok {
		return ""
	}
	chain, whole := bucket.Chain(objects, last)
	if !whole || len(chain) > increments {
		return ""
	}
	return last.ID
}

// expired are the backups that nobody needs any longer, newest first, so that no backup
// is ever there without those that it builds on. Those younger than keepFor stay, and
// the last full ones with all that came after them, and every backup that one of these
// needs. At least one full backup that can be restored stays, if there is one.
func expired(objects []bucket.Object, keepLast int, keepFor time.Duration, now time.Time) []bucket.Object {
	before := past(objects, now)
	since := lastFull(before, max(keepLast, 1))
	if young := now.Add(-keepFor); since.After(young) {
		since = young
	}
	needed := map[string]bool{}
	for _, o := range objects {
		if o.Made().Before(since) {
			continue
		}
		chain, _ := bucket.Chain(objects, o)
		for _, of := range chain {
			needed[of.ID] = true
		}
	}
	old := slices.DeleteFunc(before, func(o bucket.Object) bool { return needed[o.ID] })
	slices.Reverse(old)
	return old
}

// lastFull is when the last full backups begin, of so many; zero if there are fewer.
func lastFull(sorted []bucket.Object, many int) time.Time {
	for _, o := range slices.Backward(sorted) {
		if o.Since == "" {
			many--
		}
		if many == 0 {
			return o.Made()
		}
	}
	return time.Time{}
}

// A backup that failed is tried again after firstRetry, and after twice as long each time,
// up to maxRetry.
const (
	firstRetry = 10 * time.Second
	maxRetry   = time.Hour
)

// retryAfter is how long the next try waits after so many failures.
func retryAfter(failures int) time.Duration {
	wait := firstRetry
	for range failures - 1 {
		if wait *= 2; wait >= maxRetry {
			return maxRetry
		}
	}
	return wait
}
