package erasure

import "customercare/shared/store"

// count settles the announced range when its deletion has ended, well or with err: of it,
// moved were deleted, and changed are no longer what was read, so that they are read, and
// announced, again. Where the answer of a call is missing, the rest stays announced, for
// whoever comes next to look at. It notes, too, that a call of this worker went
// unanswered.
func (e Engine) count(job *store.Job, moved, changed int64, err error) {
	e.noteLost(job)
	job.AtLeast = job.AtLeast || job.Undercounted.Swap(false)
	if err == nil {
		moved = job.Pending.Count - changed
	}
	job.Deleted += moved
	job.Found -= changed
	job.Pending.Count -= moved + changed
	if err != nil && job.OutcomeUnknown.Load() {
		return
	}
	job.Found -= job.Pending.Count
	job.Pending = store.Pending{}
}

// inherit settles a range that a worker before announced, and of which left stand there
// now: the others were deleted. If some do stand there they may have come since, in place
// of as many deleted ones: then nobody can tell how many were deleted, and the counts are
// lower bounds. left are announced again.
func inherit(job *store.Job, left int64) {
	if job.Pending.Count == 0 {
		return
	}
	job.AtLeast = job.AtLeast || left > 0
	job.Deleted += max(0, job.Pending.Count-left)
	job.Found -= min(left, job.Pending.Count)
	job.Pending = store.Pending{}
}

// takeBack forgets a range that was announced in vain: nothing of it was begun to be
// deleted, so whoever comes next finds it as it is.
func takeBack(job *store.Job) {
	job.Found -= job.Pending.Count
	job.Pending = store.Pending{}
}

// noteLost writes into the job that this worker has had no answer to a deletion, as of
// now.
func (e Engine) noteLost(job *store.Job) {
	if job.LostAnswer.Swap(false) {
		job.Unanswered = e.Now()
	}
}
