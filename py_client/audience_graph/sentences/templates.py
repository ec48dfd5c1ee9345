"""The template language: how a fact of each family is said, in the words of a marketer.

`{who}` people, `{what}` one to three values, `{how}` what is paid with, `{amount}` a round sum, `{verb}` the verb of a
browsing channel. A form of a family is chosen by its facts: `first` when no such value is in the history, `amount`
when enough was spent, `failed` and `refunded` by the status of what moved money (the paper's {status}), `shop` for a
merchant, `text` for what was typed as it is.
"""

from __future__ import annotations

PEOPLE = ("People who", "Users who", "Users that", "Customers who", "People that", "Those who", "Members who")
# Paraphrases by family, then form.
TEMPLATES: dict[str, dict[str, tuple[str, ...]]] = {
    "purchase": {
        "plain": (
            "{who} will buy {what}",
            "{who} will purchase {what}",
            "{who} will order {what}",
            "{who} are going to buy {what}",
            "{who} are likely to buy {what}",
            "{who} plan to buy {what}",
            "Future buyers of {what}",
            "Shoppers about to buy {what}",
        ),
        "first": (
            "{who} will buy {what} for the first time",
            "{who} will order {what} for the first time",
            "{who} have never bought {what} but will",
            "First-time buyers of {what}",
            "New customers of {what}",
            "{who} are going to try {what} for the first time",
        ),
        "amount": (
            "{who} will spend over {amount} on {what}",
            "{who} will spend more than {amount} on {what}",
            "{who} will buy {what} for over {amount}",
            "{who} will buy more than {amount} worth of {what}",
            "{who} are going to spend at least {amount} on {what}",
        ),
        "shop": (
            "{who} will buy from {what}",
            "{who} will shop at {what}",
            "{who} will order from {what}",
            "Future customers of {what}",
            "{who} will make a purchase at {what}",
        ),
        "shop_first": (
            "{who} will buy from {what} for the first time",
            "New customers of {what}",
            "First-time shoppers at {what}",
            "{who} will order from {what} for the first time",
            "{who} have never shopped at {what} but will",
        ),
        "shop_amount": (
            "{who} will spend over {amount} at {what}",
            "{who} will spend more than {amount} with {what}",
            "{who} will order for over {amount} from {what}",
            "{who} will spend at least {amount} at {what}",
            "{who} are going to spend over {amount} at {what}",
        ),
        "any": (
            "{who} will spend over {amount}",
            "{who} will spend more than {amount}",
            "{who} will buy for over {amount} in all",
            "{who} will shop for at least {amount}",
            "Shoppers who will spend over {amount} in total",
        ),
        "failed": (
            "{who} will try to buy {what} without success",
            "{who} will fail to pay for {what}",
            "{who} will start an order of {what} that fails",
            "Buyers of {what} whose payment will fail",
            "Customers whose order of {what} will not go through",
        ),
        "refunded": (
            "{who} will return {what}",
            "{who} will buy {what} and send it back",
            "{who} will ask for a refund of {what}",
            "{who} will get their money back for {what}",
            "Customers whose order of {what} will be refunded",
        ),
    },
    "browse": {
        "plain": (
            "{who} will look at {what}",
            "{who} will browse {what}",
            "{who} will visit pages about {what}",
            "{who} will read about {what}",
            "{who} are going to look into {what}",
            "{who} will be interested in {what}",
            "Visitors of {what} pages",
        ),
        "first": (
            "{who} will look at {what} for the first time",
            "{who} will discover {what}",
            "{who} will visit pages about {what} for the first time",
            "{who} will start to look into {what}",
            "First-time visitors of {what} pages",
        ),
        "verb": (
            "{who} will {verb} {what}",
            "{who} are going to {verb} {what}",
            "{who} are likely to {verb} {what}",
            "{who} want to {verb} {what}",
            "{who} plan to {verb} {what}",
        ),
        "verb_first": (
            "{who} will {verb} {what} for the first time",
            "{who} are going to {verb} {what} for the first time",
            "Newcomers who will {verb} {what}",
            "{who} will, for the first time, {verb} {what}",
            "{who} are likely to {verb} {what} for the first time",
        ),
    },
    "search": {
        "plain": (
            "{who} will search for {what}",
            "{who} will look for {what}",
            "{who} will look up {what}",
            "{who} are going to search for {what}",
            "{who} will be looking for {what}",
            "People searching for {what}",
            "{who} will ask about {what}",
        ),
        "first": (
            "{who} will search for {what} for the first time",
            "{who} will start to look for {what}",
            "{who} have never searched for {what} but will",
            "{who} will look up {what} for the first time",
            "First-time searchers of {what}",
        ),
        "text": (
            "{who} will search for {what}",
            "{who} will look up {what}",
            "{who} will enter {what} in the search",
            "{who} are going to search for {what}",
            "People searching for {what}",
        ),
        "text_first": (
            "{who} will search for {what} for the first time",
            "{who} have never searched for {what} but will",
            "{who} will look up {what} for the first time",
            "{who} will enter {what} in the search for the first time",
            "First-time searchers of {what}",
        ),
    },
    "click": {
        "plain": (
            "{who} will click on {what}",
            "{who} will tap on {what}",
            "{who} will click on an ad for {what}",
            "{who} will respond to an offer of {what}",
            "{who} will open a message about {what}",
            "{who} are likely to click on {what}",
        ),
        "first": (
            "{who} will click on {what} for the first time",
            "{who} will tap on {what} for the first time",
            "{who} have never clicked on {what} but will",
            "{who} will respond to an offer of {what} for the first time",
            "{who} will open a message about {what} for the first time",
        ),
    },
    "payment": {
        "plain": (
            "{who} will pay for {what}",
            "{who} will make a payment for {what}",
            "{who} will pay a bill for {what}",
            "{who} are going to pay for {what}",
            "{who} are likely to pay for {what}",
        ),
        "first": (
            "{who} will pay for {what} for the first time",
            "{who} will make their first payment for {what}",
            "{who} have never paid for {what} but will",
            "{who} are going to pay for {what} for the first time",
            "First-time payers for {what}",
        ),
        "amount": (
            "{who} will pay over {amount} for {what}",
            "{who} will pay more than {amount} for {what}",
            "{who} will make payments of over {amount} for {what}",
            "{who} are going to pay at least {amount} for {what}",
            "{who} will pay bills of more than {amount} for {what}",
        ),
        "method": (
            "{who} will pay with {how} for {what}",
            "{who} will pay for {what} with {how}",
            "{who} will use {how} to pay for {what}",
            "{who} are going to pay for {what} with {how}",
            "{who} will pay for {what} using {how}",
        ),
        "any": (
            "{who} will pay with {how}",
            "{who} will use {how} to pay",
            "{who} will make a payment with {how}",
            "{who} are going to pay with {how}",
            "{who} are likely to pay with {how}",
        ),
        "shop": (
            "{who} will pay {what}",
            "{who} will make a payment to {what}",
            "{who} will pay a bill of {what}",
            "{who} will transfer money to {what}",
            "{who} are going to pay {what}",
        ),
        "shop_method": (
            "{who} will pay {what} with {how}",
            "{who} will pay with {how} at {what}",
            "{who} will use {how} to pay {what}",
            "{who} are going to pay {what} with {how}",
            "{who} will make a payment to {what} with {how}",
        ),
        "failed": (
            "{who} will fail to pay for {what}",
            "{who} will have a payment for {what} declined",
            "Users whose payment for {what} will fail",
            "People whose payment for {what} will not go through",
            "{who} will try to pay for {what} without success",
        ),
        "refunded": (
            "{who} will get a refund for {what}",
            "{who} will get their money back for {what}",
            "Users whose payment for {what} will be refunded",
            "{who} will pay for {what} and be refunded",
            "{who} will take back a payment for {what}",
        ),
    },
}
