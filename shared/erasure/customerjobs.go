package erasure

import (
	"context"
	"slices"
	"strings"

	"customercare/shared/store"
)

// knows says whether the key is known that the digest in this key of a customer's job is
// made with; "" names no job, and needs none.
func (i CustomerIntake) knows(job string) bool {
	id, _, _ := strings.Cut(strings.TrimPrefix(job, store.CustomerJob("")), ".")
	return job == "" || i.digests.Knows(id)
}

// customerJobs is the digests of a customer under all known keys, the current one's
// first, and the keys of the jobs that may be open for them. An erasure that began
// before the keys were rotated is known under an older one.
func (i CustomerIntake) customerJobs(asked CustomerRequest) (digests, jobs []string) {
	if asked.reopens != nil {
		digests = asked.reopens.Subjects
	} else {
		digests = i.digests.EverySubject("customer", asked.Account, asked.Code)
	}
	jobs = make([]string, len(digests))
	for n, digest := range digests {
		jobs[n] = store.CustomerJob(digest)
	}
	return digests, jobs
}

// unknown is the answer for a customer of whom nothing stands, and of whom none of jobs
// knows: ErrUnknownCustomer. Where the customer was erased lately under a key that has
// come since, it is that erasure's id.
func (i CustomerIntake) unknown(
	ctx context.Context, asked CustomerRequest, jobs []string, request store.Request,
) (id string, err error) {
	if asked.reopens != nil {
		return "", ErrUnknownCustomer
	}
	i.digests.Look(ctx)
	_, all := i.customerJobs(asked)
	more := slices.DeleteFunc(all, func(job string) bool { return slices.Contains(jobs, job) })
	known, id, err := i.join(ctx, "", more, request)
	if err == nil && known == store.Unknown {
		return "", ErrUnknownCustomer
	}
	return id, err
}
