package bench_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/infra/bench"
	"customercare/infra/fixture"
)

const (
	numbersGoal  = 0.9 // of the floor's rate
	acceptedGoal = 50  // ms
	copies       = 2   // of each contact
	callers      = 7   // with whom the numbers have contacts
)

// numbersSize is how many contacts each number of a call has, and how many rounds there
// are.
type numbersSize struct{ contacts, rounds int }

// numbers is the erasure of many numbers by one call: until the answer, and until the
// worker lets the job wait for its second pass, when nothing is left of what it is about.
func (p plan) numbers(ctx context.Context, b *Bench) (all []bench.Figure, err error) {
	s, err := b.whole(ctx, "numbers")
	if err != nil {
		return nil, err
	}
	defer s.close()
	if _, _, err := s.eraseNumbers(ctx, "warm-up", 100, numbersSize{10, 1}); err != nil {
		return nil, err
	}
	for _, size := range p.numberSizes {
		b.Say("erasing %d numbers with %d contacts each, %d times", p.numbersInCall, size.contacts, size.rounds)
		accepted, gone, err := s.eraseNumbers(ctx, "measured", p.numbersInCall, size)
		if err != nil {
			return nil, err
		}
		name, unit, each := fmt.Sprintf("%d contacts each", size.contacts), "copies/s", size.contacts*copies
		if size.contacts == 0 {
			unit, each = "numbers/s", 1
		}
		f := gone.rates(p.numbersInCall*each).figure("numbers", name+", gone", unit).AtLeast(numbersGoal)
		f.Also = []bench.Number{{Name: "in all", Value: median(gone.ours), Unit: "s"}}
		all = append(all, bench.Figure{
			Table: "numbers", Case: name + ", accepted", Unit: "ms", Ours: median(accepted), Runs: len(accepted),
			Goal: fmt.Sprintf("<= %d ms", acceptedGoal), Met: median(accepted) <= acceptedGoal,
		}, f)
	}
	return append(all, b.memory(fmt.Sprintf("%d numbers", p.numbersInCall))...), nil
}

// eraseNumbers erases numbers with contacts, alone in the table, and gives the
// milliseconds until the answer, and the seconds until all are gone.
func (s *site) eraseNumbers(
	ctx context.Context, name string, numbers int, size numbersSize,
) (accepted []float64, gone pairs, err error) {
	gone, err = s.run(ctx, race{
		name: fmt.Sprintf("%s-%d", name, size.contacts), items: numbers, table: "Contacts",
		fill: func(list []string) error { return s.fillContacts(ctx, list, size.contacts) },
		ours: func(list []string) (time.Duration, error) {
			before, err := s.waiting(ctx)
			if err != nil {
				return 0, err
			}
			answered, gone, err := untilGone(ctx, 20*time.Millisecond,
				func() error { return s.clean(ctx, list...) },
				func() (bool, error) {
					now, err := s.waiting(ctx)
					return now > before, err
				})
			accepted = append(accepted, milliseconds(answered))
			return gone, err
		},
		floor: func(list []string) (time.Duration, error) {
			command := object{"Table": s.Table("Contacts"), "Tenant": tenant, "Numbers": list}
			return s.runFloor(ctx, numbers*size.contacts*copies, command)
		},
	}, size.rounds)
	return accepted, gone, err
}

// fillContacts puts so many contacts of each number into the stack's table.
func (s *site) fillContacts(ctx context.Context, numbers []string, each int) error {
	var contacts []fixture.Record
	for n := range len(numbers) * each {
		number := numbers[n/each]
		id, caller := fmt.Sprintf("%s-%d", number, n%each), fmt.Sprintf("caller%d", n%callers)
		contacts = append(contacts, fixture.Contact(tenant, id, number, caller))
	}
	return fixture.Fill(ctx, s.DynamoDB(), s.Table("Contacts"), slices.Values(contacts))
}

// soon is beyond the time when a job comes up that is being worked on, and before the
// second pass of one that is not.
const soon = 2 * time.Minute

// waiting counts the jobs that wait for their second pass.
func (s *site) waiting(ctx context.Context) (int32, error) {
	out, err := s.DynamoDB().Scan(ctx, &dynamodb.ScanInput{
		TableName: aws.String(s.Table("Erasures")), IndexName: aws.String("open"), Select: types.SelectCount,
		FilterExpression:          aws.String("dueAt > :soon"),
		ExpressionAttributeValues: attribute.Item{":soon": attribute.Number(time.Now().Add(soon).UnixMilli())},
	})
	if err != nil {
		return 0, err
	}
	return out.Count, nil
}

// nothingLeft is an error when anything but tombstones is in the table.
func (s *site) nothingLeft(ctx context.Context, table string) error {
	for pages := dynamodb.NewScanPaginator(s.DynamoDB(), &dynamodb.ScanInput{
		TableName: aws.String(s.Table(table)), ConsistentRead: aws.Bool(true),
		FilterExpression: aws.String("attribute_not_exists(tombstone)"),
	}); pages.HasMorePages(); {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		if len(page.Items) > 0 {
			return fmt.Errorf("%d items or more are left in %s of what is said to be gone", len(page.Items), table)
		}
	}
	return nil
}
