package dev.atelier.merge.lora;

import org.ejml.data.DMatrixRMaj;
import org.ejml.dense.row.CommonOps_DDRM;

/**
 * A matrix of low rank as a product: {@code up} (outputs × rank) times {@code down} (rank × inputs, the taps of a convolution
 * with them).
 */
record Factors(DMatrixRMaj up, DMatrixRMaj down) {
    int rank() {
        return down.numRows;
    }

    /** The product multiplied by a number, shared between both factors: so both stay in the range of fp16. */
    Factors times(double factor) {
        Factors result = new Factors(up.copy(), down.copy());
        double root = Math.sqrt(Math.abs(factor));
        CommonOps_DDRM.scale(Math.signum(factor) * root, result.up);
        CommonOps_DDRM.scale(root, result.down);
        return result;
    }

    /** Exactly the sum of both products; its rank is the sum of the ranks. */
    Factors plus(Factors other) {
        return new Factors(
                CommonOps_DDRM.concatColumnsMulti(up, other.up), CommonOps_DDRM.concatRowsMulti(down, other.down));
    }
}
