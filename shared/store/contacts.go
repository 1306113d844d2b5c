package store

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"golang.org/x/sync/errgroup"

	"customercare/shared/invocation"
)

// Contacts is one copy of a contact under each customer number that takes part in it: key party (PartyKey), sort key
// contact (ContactKey, the same for all copies). Every copy carries parties, the list of all the numbers, so that
// from any copy the others are found without an index.
type Contacts struct {
	DB      *dynamodb.Client
	Table   string
	Streams *Streams // that Erase shares with others
}

// PartyKey is the partition key of the contacts in which number takes part, within one tenant.
func PartyKey(tenant, number string) string { return JoinKey(tenant, number) }

// ContactKey is the sort key of a contact: copies of one contact share it, and contacts sort by time.
func ContactKey(at time.Time, id string) string {
	return JoinKey(at.UTC().Format("2006-01-02T15:04:05.000000000Z"), id)
}

// maxKey is the longest partition key that DynamoDB takes, in bytes.
const maxKey = 2048

// CanFile says whether a copy can be filed under this party at all: a foreign writer's list may name what is no number.
func CanFile(tenant, number string) bool { return len(PartyKey(tenant, number)) <= maxKey }

// Copy is a contact as one of its parties has it filed.
type Copy struct {
	Contact string               // sort key
	Parties []string             // every number that takes part, this one included
	Seen    types.AttributeValue // parties as it is stored, nil when it is not
}

// contactPage bounds a page, and with it the memory of a worker that reads many numbers at once: a contact may have
// dozens of parties.
const contactPage = 200

// Read is the strongly consistent copies filed under number, from the start: a page of at most contactPage of them, or more
// pages when it takes those to reach the sort key through. more says that there may be others behind. Deleted copies are
// gone from the next reading, so the start is the only place ever needed.
func (c Contacts) Read(ctx context.Context, tenant, number, through string) (copies []Copy, more bool, err error) {
	in := &dynamodb.QueryInput{
		TableName:                 &c.Table,
		ConsistentRead:            aws.Bool(true),
		Limit:                     aws.Int32(contactPage),
		KeyConditionExpression:    aws.String("party = :party"),
		ProjectionExpression:      aws.String("contact, parties"),
		ExpressionAttributeValues: map[string]types.AttributeValue{":party": text(PartyKey(tenant, number))},
	}
	for {
		out, err := c.DB.Query(ctx, in)
		if err != nil {
			return nil, false, failed("contacts: read party", err)
		}
		for _, item := range out.Items {
			copies = append(copies, Copy{object(item).text("contact"), object(item).texts("parties"), item["parties"]})
		}
		last := object(out.LastEvaluatedKey).text("contact")
		if last == "" || last >= through {
			return copies, last != "", nil
		}
		in.ExclusiveStartKey = out.LastEvaluatedKey
	}
}

// Erasable is a contact to delete: its copy under Own is what was read, and all of Copies are the numbers under which it
// is filed, Own included.
type Erasable struct {
	Contact string
	Own     string
	Seen    types.AttributeValue // parties as it is stored under Own
	Copies  []string
}

// transactionSize is TransactWriteItems' limit of actions.
const transactionSize = 100

// Erase deletes contacts within the job's tenant over at most streams calls at a time: each with all its copies at once, on
// condition that its parties are still as they were read, and that each other copy is still one of a contact with Own. A
// batch would cost half as much, but knows no conditions: a contact that is filed again in between would keep a copy
// under a party where no later reading finds it. It returns how many were refused because they have changed since, and
// whether copies of others were kept because they belong to contacts filed anew; then they must be read again. After an
// error any may be done.
func (c Contacts) Erase(ctx context.Context, job *Job, contacts []Erasable, streams int) (refused int, kept bool, err error) {
	var total atomic.Int64
	var anyKept atomic.Bool
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(streams)
	for len(contacts) > 0 {
		n, actions := 0, 0
		for n < len(contacts) && (n == 0 || actions+len(contacts[n].Copies) <= transactionSize) {
			actions += len(contacts[n].Copies)
			n++
		}
		some := contacts[:n]
		contacts = contacts[n:]
		group.Go(func() (err error) {
			defer invocation.Recover("contacts: erase", &err)
			for len(some[0].Copies) > transactionSize { // more parties than one transaction holds: its own copy goes last
				rest := some[0]
				n := len(rest.Copies) - transactionSize + 1
				rest.Copies = rest.Copies[max(1, n):]
				some[0].Copies = some[0].Copies[:max(1, n)]
				_, kept, err := c.eraseTogether(ctx, job, []Erasable{rest})
				if kept {
					anyKept.Store(true)
				}
				if err != nil {
					return err
				}
			}
			refused, kept, err := c.eraseTogether(ctx, job, some)
			total.Add(int64(refused))
			if kept {
				anyKept.Store(true)
			}
			if err == nil {
				job.Moved.Add(int64(len(some) - refused))
			}
			return err
		})
	}
	err = group.Wait()
	return int(total.Load()), anyKept.Load(), err
}

// copyOf is one copy of one of the contacts of a transaction.
type copyOf struct {
	contact int
	number  string
}

// eraseTogether deletes contacts in one transaction. Those that have changed are left out and the others tried again; a
// conflict with somebody else's write is waited out.
func (c Contacts) eraseTogether(ctx context.Context, job *Job, contacts []Erasable) (refused int, kept bool, err error) {
	const call = "contacts: erase"
	tenant, sure := job.Scope, true // sure: that what is left was not deleted
	defer func() {
		if !sure && err != nil {
			job.Unsure.Store(true)
		}
	}()
	for idle := 0; len(contacts) > 0; {
		var actions []types.TransactWriteItem
		var of []copyOf          // what each action deletes
		var collections []string // that the actions touch
		for i, contact := range contacts {
			for _, number := range contact.Copies {
				if !slices.Contains(collections, number) {
					collections = append(collections, number)
				}
				remove := &types.Delete{TableName: &c.Table, Key: object{"party": text(PartyKey(tenant, number)), "contact": text(contact.Contact)}}
				switch {
				case number != contact.Own:
					remove.ConditionExpression = aws.String("attribute_not_exists(party) OR attribute_not_exists(parties) OR contains(parties, :own)")
					remove.ExpressionAttributeValues = object{":own": text(contact.Own)}
				case contact.Seen == nil:
					remove.ConditionExpression = aws.String("attribute_not_exists(parties)")
				default:
					remove.ConditionExpression = aws.String("attribute_not_exists(party) OR parties = :seen")
					remove.ExpressionAttributeValues = object{":seen": contact.Seen}
				}
				actions, of = append(actions, types.TransactWriteItem{Delete: remove}), append(of, copyOf{i, number})
			}
		}
		if !c.Streams.enter(ctx, collections...) {
			return refused, kept, failed(call, ctx.Err())
		}
		err := func() error {
			defer c.Streams.leave(collections...) // after a panic, too: the process lives on
			calls, err := deletion(ctx)
			if err != nil {
				return err
			}
			answered := false
			defer func() { sure = job.answered(answered) && sure }()
			out, err := c.DB.TransactWriteItems(calls, &dynamodb.TransactWriteItemsInput{TransactItems: actions})
			if err != nil {
				answered = refusedAtOnce(err)
				return err
			}
			answered = everyTryAnswered(out.ResultMetadata)
			return nil
		}()
		if err == nil {
			return refused, kept, nil
		}
		again := false // without copies that are none of ours any more
		changed := make(map[int]bool)
		if e, ok := errors.AsType[*types.TransactionCanceledException](err); ok {
			for i, reason := range e.CancellationReasons {
				if aws.ToString(reason.Code) != "ConditionalCheckFailed" || i >= len(of) {
					continue
				}
				if c := &contacts[of[i].contact]; of[i].number == c.Own {
					changed[of[i].contact] = true
				} else { // the contact was filed anew without Own: this copy is none of ours any more
					c.Copies = slices.DeleteFunc(slices.Clone(c.Copies), func(n string) bool { return n == of[i].number })
					again, kept = true, true
				}
			}
		}
		if len(changed) > 0 || again {
			refused += len(changed)
			var rest []Erasable
			for i, contact := range contacts {
				if !changed[i] {
					rest = append(rest, contact)
				}
			}
			contacts, idle = rest, 0
			continue
		}
		if err := transacted(call, err); !passingError(err) || ended(ctx) {
			return refused, kept, err
		}
		if idle++; idle == patience {
			return refused, kept, failed(call, err)
		}
		if !Wait(ctx, c.DB, idle, err) {
			return refused, kept, failed(call, ctx.Err())
		}
	}
	return refused, kept, nil
}
