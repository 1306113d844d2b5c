package importer

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"customercare/infra/attribute"
	"customercare/shared/store"
)

// Erasure by number reads the copies filed under the number and takes the others from
// their list of parties. So for every number that any copy of a contact names, there must
// be a copy under that number, and it must name the same numbers. Otherwise data of an
// erased number would stay in a copy that nobody finds. Hence:
//
//   - The copies are written in one transaction, all or none: a crash leaves no half of
//     them.
//   - A contact that is loaded again with other numbers takes the copies of the numbers
//     that it no longer has away, in the same transaction. The condition on every copy
//     tells that case from the common one without a read.

// contactActions are those that file contacts for the first time, or as they stand.
func (l *loader) contactActions(records []*record) (actions []action) {
	for _, r := range records {
		actions = append(actions, l.file(r, nil)...)
	}
	return actions
}

// unheld is the condition that no hold keeps a copy: a put would take its mark away.
const unheld = "attribute_not_exists(held) AND "

// file gives the actions that file a contact: a put for each copy, and the removal of the
// copy under each number in known that is no party any more. Known is the parties that
// stand under each number, as far as a try before has found them. A put or removal is
// refused unless no copy stands there, or one with the new parties, or one with the known
// ones.
func (l *loader) file(r *record, known map[string]types.AttributeValue) []action {
	const tellCopy = types.ReturnValuesOnConditionCheckFailureAllOld
	condition := func(number string) (expression *string, values object) {
		values = object{":parties": attribute.Texts(r.parties...)}
		if was, ok := known[number]; ok {
			values[":was"] = was
			return aws.String(unheld + "(attribute_not_exists(contact) OR parties IN (:parties, :was))"), values
		}
		return aws.String(unheld + "(attribute_not_exists(contact) OR parties = :parties)"), values
	}
	var actions []action
	for i, item := range r.items() {
		expression, values := condition(r.parties[i])
		actions = append(actions, action{records: []*record{r}, write: types.TransactWriteItem{Put: &types.Put{
			TableName:                           &l.Tables.Contacts,
			Item:                                item,
			ConditionExpression:                 expression,
			ExpressionAttributeValues:           values,
			ReturnValuesOnConditionCheckFailure: tellCopy,
		}}})
	}
	for _, number := range slices.Sorted(maps.Keys(known)) {
		if slices.Contains(r.parties, number) {
			continue
		}
		expression, values := condition(number)
		actions = append(actions, action{records: []*record{r}, write: types.TransactWriteItem{Delete: &types.Delete{
			TableName:                           &l.Tables.Contacts,
			Key:                                 object{"party": attribute.Text(store.PartyKey(r.tenant, number)), "contact": r.item["contact"]},
			ConditionExpression:                 expression,
			ExpressionAttributeValues:           values,
			ReturnValuesOnConditionCheckFailure: tellCopy,
		}}})
	}
	return actions
}

var (
	errUnreadable = errors.New("the contact stands with parties that cannot be read, " +
		"so nobody knows under which numbers: take it away first")
	errHeld  = errors.New("a hold keeps the contact as it is: load it when the hold is released")
	errFiled = errors.New("the contact stands under other numbers that could not be taken away together, " +
		"try again later")
)

// maxRefileTries bounds the tries. Each failed try shows copies not known before, so a
// few are enough, unless somebody else files the same contact meanwhile.
const maxRefileTries = 10

// refile files a contact that stands already with other parties.
func (l *loader) refile(ctx context.Context, r *record) error {
	known := map[string]types.AttributeValue{} // parties, as the copy under a number has it stored
	for range maxRefileTries {
		actions := l.file(r, known)
		if len(actions) > maxActions {
			break
		}
		err := l.transact(ctx, l.Tables.Contacts, actions)
		cancelled, isCancelled := errors.AsType[*types.TransactionCanceledException](err)
		switch {
		case err == nil, errors.Is(err, errInvalid):
			l.finish(r, err)
			return nil
		case !isCancelled:
			return err
		}
		for _, reason := range cancelled.CancellationReasons {
			if reason.Item["held"] != nil {
				l.finish(r, errHeld)
				return nil
			}
			if !noteParties(known, reason.Item) {
				l.finish(r, errUnreadable)
				return nil
			}
		}
	}
	l.finish(r, errFiled)
	return nil
}

// noteParties notes in known the parties of a copy that stands, and supposes that the
// copies under those parties have the same until they are seen. It is false when the
// parties cannot be read. Then the copy must not be written over: the others would stay
// where no load and no erasure looks for them.
func noteParties(known map[string]types.AttributeValue, copy object) (readable bool) {
	if len(copy) == 0 { // of an action that was not refused
		return true
	}
	numbers, whole := store.Parties(copy["parties"])
	party, _ := copy["party"].(*types.AttributeValueMemberS)
	if !whole || party == nil {
		return false
	}
	if parts := store.SplitKey(party.Value); len(parts) == 2 {
		known[parts[1]] = copy["parties"]
	}
	for _, number := range numbers {
		if _, ok := known[number]; !ok {
			known[number] = copy["parties"]
		}
	}
	return true
}
