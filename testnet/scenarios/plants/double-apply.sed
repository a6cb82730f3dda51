# file: Sources/Economy/Bank/BankTransfer.swift
# rule: books
# A transfer moves its amount twice; nothing is created or lost, and all nodes agree on it.
/^ *try state\.pay(self\.amount,/p
