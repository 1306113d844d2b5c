package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// UseTempAllow says whether a temporary allow of the user is in force at the time at, and
// uses up one that is for a single use: exactly one of any number of calls gets it. An
// allow that lasts goes first, and leaves those for a single use as they are. Of several
// for a single use, the one that expires first is used. in is false where none is in
// force. ErrNoUser.
//
// It is one conditional write, in force or not, where the deployment has at most one type
// for a single use: the condition decides, and where it does not hold DynamoDB gives the
// item as it stood at that moment. Where there are several such types, the first write
// tries the smallest one, and the item says which one the next has to try.
//
// The entry stays, with usedAt and usedBy, the call's token: when the answer of a write
// is lost, the SDK's repeat of it finds its own token there. A token must be a call's
// own. An item that has no room for both loses the entry in place of that, and then a
// repeat finds nothing, which is a no. A yes is never given twice.
func (u Users) UseTempAllow(ctx context.Context, id string, kinds AllowTypes, at time.Time, token string) (
	used Allow, in bool, err error,
) {
	const call = "users: use temporary allow"
	once := kinds.once()
	attempt := use{kinds: kinds, at: at, token: token}
	if len(once) > 0 {
		attempt.kind, attempt.named, attempt.blind = once[0], true, true
	}
	for range len(once) + 1 {
		item, done, err := u.use(ctx, id, attempt)
		if err != nil {
			return Allow{}, false, failed(call, err)
		}
		if done {
			allow, found := pickType(kinds.inForce(item, at), attempt.kind)
			if !found { // the write has done something else than its condition says
				return Allow{}, false, fmt.Errorf("%s: what was used up is not there", call)
			}
			return allow, true, nil
		}
		if item == nil {
			return Allow{}, false, ErrNoUser
		}
		if own, found := kinds.usedBy(item, token); found {
			return own, true, nil
		}
		all := kinds.inForce(item, at)
		if lasts, found := last(all); found {
			return lasts, true, nil
		}
		next, found := first(all)
		if !found {
			return Allow{}, false, nil
		}
		attempt.kind, attempt.named, attempt.blind = next.Type, true, false
	}
	return Allow{}, false, raced{"users: somebody else keeps writing tempAllows"}
}

func pickType(all []Allow, kind int) (Allow, bool) {
	for _, allow := range all {
		if allow.Type == kind {
			return allow, true
		}
	}
	return Allow{}, false
}

// use is one attempt to use up the allow of one type.
type use struct {
	kinds AllowTypes
	at    time.Time
	token string
	kind  int
	named bool // there is a type for a single use; without one nothing can be used up
	blind bool // nobody has looked yet whether another one expires before this one
}

// use is the conditional write of an attempt. done says that the allow was used up, and
// item is the user's item before that. Else item is what stands there, nil where nothing
// does.
func (u Users) use(ctx context.Context, id string, a use) (item object, done bool, err error) {
	in := &dynamodb.UpdateItemInput{
		TableName: &u.Table, Key: object{"customerId": text(id)},
		ReturnValues:                        types.ReturnValueAllOld,
		ReturnValuesOnConditionCheckFailure: types.ReturnValuesOnConditionCheckFailureAllOld,
	}
	if !a.named { // a look: DynamoDB gives the item with its refusal
		in.ConditionExpression = aws.String("attribute_exists(customerId) AND attribute_not_exists(customerId)")
		in.UpdateExpression = aws.String("SET activeAt = :activeAt")
		in.ExpressionAttributeValues = object{":activeAt": millis(a.at)}
		_, err = u.DB.UpdateItem(ctx, in)
		item, conflict := conditionFailed(err)
		if conflict {
			err = nil
		}
		return item, false, err
	}
	in.ConditionExpression, in.ExpressionAttributeNames = a.condition()
	in.ExpressionAttributeValues = object{
		":next": number(a.at.UnixMilli() + 1), ":last": number[int64](lastExpiry),
		":usedAt": millis(a.at), ":usedBy": text(a.token),
	}
	out, err := u.update(ctx, in, a.at,
		"SET activeAt = :activeAt, tempAllows.#use.usedAt = :usedAt, tempAllows.#use.usedBy = :usedBy",
		"REMOVE activeAt, tempAllows.#use", ":usedAt", ":usedBy")
	if item, conflict := conditionFailed(err); conflict {
		return item, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	return out.Attributes, true, nil
}

// inForceIf is the condition that an allow is in force. %[1]s stands for its type.
const inForceIf = "tempAllows.%[1]s.expires BETWEEN :next AND :last AND attribute_not_exists(tempAllows.%[1]s.usedAt)"

// condition is that the user exists, the allow is in force, and no allow is that lasts. A
// blind attempt also asks that no other one for a single use expires before it.
func (a use) condition() (condition *string, names map[string]string) {
	all := []string{"attribute_exists(customerId)", fmt.Sprintf(inForceIf, "#use")}
	names = map[string]string{"#use": strconv.Itoa(a.kind)}
	name := func(kind int) string {
		alias := "#t" + strconv.Itoa(len(names))
		names[alias] = strconv.Itoa(kind)
		return alias
	}
	for _, kind := range a.kinds.lasting() {
		all = append(all, "NOT ("+fmt.Sprintf(inForceIf, name(kind))+")")
	}
	for _, kind := range a.kinds.once() {
		if a.blind && kind != a.kind {
			alias := name(kind)
			all = append(all, "NOT (tempAllows."+alias+".expires < tempAllows.#use.expires AND "+
				fmt.Sprintf(inForceIf, alias)+")")
		}
	}
	return aws.String(strings.Join(all, " AND ")), names
}
