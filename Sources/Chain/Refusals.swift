import Ledger
import Primitives

extension Chain {
    /// Why this node does not take a request; nothing of it reaches a block.
    package enum Refused: UInt16, RejectionCases {
        case transactionMalformed = 2900
        case transactionKnown = 2901
        case mempoolFull = 2902
        case tooManyOfAccount = 2903
        case replacementTooCheap = 2904
        case tooManyRequests = 2906
        case accountNotInWallet = 2907
        case operationInvalid = 2908
        case nonceWindowFull = 2909
        case wouldFail = 2910
        case balanceTooLow = 2911
        case notFound = 2912
        case stateUnreadable = 2913
        case notSigned = 2914
        package static let prefix = "chain"
    }
}

extension Chain.Refusal {
    init(_ refused: Chain.Refused, _ text: String) {
        self.init(code: refused.code.number, name: refused.code.name, text: text)
    }

    init(_ fault: InclusionFault, _ text: String) {
        self.init(code: fault.code.number, name: fault.code.name, text: text)
    }
}
