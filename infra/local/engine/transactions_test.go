package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// These are the questions of conformance_test.go about transactions.

func (p *probe) transactionUnits() string {
	out, err := p.db.TransactWriteItems(p.Context(), &dynamodb.TransactWriteItemsInput{
		ReturnConsumedCapacity: types.ReturnConsumedCapacityTotal,
		TransactItems: []types.TransactWriteItem{{Put: &types.Put{TableName: &p.table,
			Item: at(sized(1 << 10))}}},
	})
	if err != nil {
		return outcome(err)
	}
	return units(&out.ConsumedCapacity[0])
}

func (p *probe) transaction(actions, bytes int, more item) string {
	var all []types.TransactWriteItem
	for n := range actions {
		put := at(item{"at": text(strconv.Itoa(n)), "x": text(strings.Repeat("x", bytes))})
		maps.Copy(put, more)
		all = append(all, types.TransactWriteItem{Put: &types.Put{TableName: &p.table, Item: put}})
	}
	_, err := p.db.TransactWriteItems(p.Context(), &dynamodb.TransactWriteItemsInput{TransactItems: all})
	return outcome(err)
}

// token adds by and then again in two transactions with one token, and says what came of
// the second.
func (p *probe) token(by, again int) string {
	add := func(n int) error {
		_, err := p.db.TransactWriteItems(p.Context(), &dynamodb.TransactWriteItemsInput{
			ClientRequestToken: aws.String("one-token"),
			TransactItems: []types.TransactWriteItem{{Update: &types.Update{
				TableName: &p.table, Key: at(nil), UpdateExpression: aws.String("ADD n :n"),
				ExpressionAttributeValues: item{":n": number(strconv.Itoa(n))},
			}}},
		})
		return err
	}
	if err := add(by); err != nil {
		return outcome(err)
	}
	if err := add(again); err != nil {
		return outcome(err)
	}
	if p.read()["n"].(*types.AttributeValueMemberN).Value == strconv.Itoa(by) {
		return "done once"
	}
	return "done twice"
}

func (p *probe) twice() string {
	put := types.TransactWriteItem{Put: &types.Put{TableName: &p.table, Item: at(nil)}}
	_, err := p.db.TransactWriteItems(p.Context(),
		&dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{put, put}})
	return outcome(err)
}

func (p *probe) oldItemOfTransaction() string {
	p.put(nil)
	_, err := p.db.TransactWriteItems(p.Context(),
		&dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{
			Put: &types.Put{
				TableName: &p.table, Item: at(nil), ConditionExpression: aws.String("attribute_not_exists(id)"),
				ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
			},
		}}})
	if refusal, ok := errors.AsType[*types.TransactionCanceledException](err); ok &&
		len(refusal.CancellationReasons[0].Item) == 2 {
		return "given"
	}
	return outcome(err)
}

// contention adds 1 in 16 x 20 transactions at once, and says whether every acknowledged
// one counts and how the others were refused.
func (p *probe) contention() string {
	var mu sync.Mutex
	done, others := 0, map[string]bool{}
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for range 20 {
				_, err := p.db.TransactWriteItems(p.Context(), &dynamodb.TransactWriteItemsInput{
					TransactItems: []types.TransactWriteItem{{Update: &types.Update{
						TableName: &p.table, Key: at(nil), UpdateExpression: aws.String("ADD n :n"),
						ExpressionAttributeValues: item{":n": number("1")},
					}}},
				})
				mu.Lock()
				if err == nil {
					done++
				} else {
					others[outcome(err)] = true
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	got := p.read()["n"].(*types.AttributeValueMemberN).Value
	if got != strconv.Itoa(done) {
		return fmt.Sprintf("%d acknowledged, %s counted", done, got)
	}
	if len(others) == 0 {
		return "one after the other"
	}
	var names []string
	for name := range others {
		names = append(names, name)
	}
	slices.Sort(names)
	return "some " + strings.Join(names, "; ")
}
