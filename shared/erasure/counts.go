package erasure

import "customercare/shared/store"

// announce counts a page of a customer as found, and as what is about to be deleted
// (Job.Pending). The caller writes the job down before it deletes anything of the page.
func announce(job *store.Job, page store.Collection) {
	job.Pending = store.Pending{Count: int64(len(page.Records))}
	if n := len(page.Records); n > 0 {
		job.Pending.Through = page.Records[n-1:]
		job.Found += int64(n)
	}
}

// count ends the announced range when its deletion has ended, well or with err. Of the
// range, deleted were deleted with an answer. changed are no longer what was read: they
// are read, and announced, again. Where a call had no answer, the rest stays announced,
// for whoever comes next to look at.
func (e eraser) count(job *store.Job, deleted, changed int64, err error) {
	e.noteLost(job)
	job.AtLeast = job.AtLeast || job.Undercounted.Swap(false)
	if err == nil {
		deleted = job.Pending.Count - changed
	}
	job.Deleted += deleted
	job.Found -= changed
	job.Pending.Count -= deleted + changed
	if err != nil && job.OutcomeUnknown.Load() {
		return
	}
	job.Found -= job.Pending.Count
	job.Pending = store.Pending{}
}

// inherit ends a range that a worker before announced, and of which left stand there
// now: the others were deleted. Some of those that stand there may have come since, in
// place of as many deleted ones. Then nobody can tell how many were deleted, and the
// counts are lower bounds. The caller announces what is left again.
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

// noteLost notes in the job, as of now, that a deletion of this worker had no answer.
func (e eraser) noteLost(job *store.Job) {
	if job.LostAnswer.Swap(false) {
		job.Unanswered = e.clock.now()
	}
}
